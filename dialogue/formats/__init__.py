"""How dialogues look on disk: one file a format, its name the name on the command line."""
