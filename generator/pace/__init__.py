"""The clock of one endpoint and key, shared by all who use it."""
