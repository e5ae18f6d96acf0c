"""The grammar of the language, as data. `nasdsl.language.parser` reads it."""
