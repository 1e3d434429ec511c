"""Opening lines: the tree of lists they grow from, the writer that asks for them, the pool that accepts them."""
