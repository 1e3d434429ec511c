"""The embedded endpoint: rehearsal without key, network or model. Not a language model, and never said to be one."""
