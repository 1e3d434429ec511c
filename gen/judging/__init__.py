"""Questions to a model about what a filter has found: a judge of candidates, a rephraser for the self-test."""
