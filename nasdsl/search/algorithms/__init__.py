"""Search algorithms, one a file, each offered by an entry point `nasdsl.searchers`."""
