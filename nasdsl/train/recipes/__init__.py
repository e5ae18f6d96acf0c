"""The recipes that come with nasdsl, one TOML file each; every value names its source."""
