"""What a filter is, and the walk of a corpus through a chain of them."""
