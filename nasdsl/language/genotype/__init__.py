"""Genotypes, spaces, vocabularies and settings: what a text means."""
