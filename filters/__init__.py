"""Filters: what leaves this stage is clean, unique and not the benchmark. One file is one filter."""
