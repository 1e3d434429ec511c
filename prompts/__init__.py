"""Jinja templates, the data they draw on, and their loader."""
