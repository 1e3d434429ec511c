"""A trained model in use: sampling many replies at a time, over HTTP or in the terminal."""
