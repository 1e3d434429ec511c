"""The folder of a run: append-only logs, checkpoint, lock and resume."""
