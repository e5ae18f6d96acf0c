"""Engines: where evaluations run. `local` is this machine, `ray` a cluster."""
