"""Backends: one package or module each, found through the entry points `nasdsl.backends`."""
