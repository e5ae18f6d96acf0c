"""One of each kind of thing that a package may add to nasdsl, one file each."""
