"""What a model reads: templates, tokens, and which of them it is taught to say."""
