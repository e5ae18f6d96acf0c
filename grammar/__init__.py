"""The grammar of the language, as data. `nasdsl.parser` reads it."""
