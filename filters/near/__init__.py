"""Near duplicates: signatures in shards, candidate pairs by bands, exact similarity, and which copy is kept."""
