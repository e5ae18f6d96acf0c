"""Highlighting: what the kinds of token are called by each highlighter, in one table."""
