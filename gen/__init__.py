"""The commands, and the TOML that holds a run's settings."""
