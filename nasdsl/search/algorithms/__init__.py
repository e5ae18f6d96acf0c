"""Searchers, one algorithm a file; each is the value of an entry point `nasdsl.searchers`."""
