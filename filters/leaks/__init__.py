"""Benchmark items that leaked into dialogues: what is looked for, by which rules, and what was found."""
