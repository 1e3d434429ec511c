"""Judge protocols: a file is one, and its name is the one on the command line."""
