"""The syntax tree. See `nasdsl.syntax.tree`."""
