"""Search algorithms, one per file, each offered by an entry point `nasdsl.searchers`."""
