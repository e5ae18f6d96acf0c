"""Text from syntax: one layout, shared by the formatter and the printers."""
