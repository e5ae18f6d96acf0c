"""Skeletons, one file each, found through the entry points `nasdsl.skeletons`."""
