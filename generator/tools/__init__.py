"""Tools that an assistant may use: each takes a text and gives a result, within bounds, whatever the text is."""
