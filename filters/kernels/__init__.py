"""Compiled kernels over many texts at once: words, n-gram hashes, MinHash signatures."""
