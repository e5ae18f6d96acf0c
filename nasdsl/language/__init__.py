"""The language: text to syntax, syntax to what it means, and both back to text."""
