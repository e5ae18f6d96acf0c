"""The library, as data: genotypes, spaces and presets; `vocabularies/` holds the ops."""
