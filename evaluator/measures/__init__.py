"""Measures of a model itself: a file is one, and its name is the one on the command line."""
