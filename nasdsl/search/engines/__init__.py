"""Engines: where evaluations run. `local` on this machine, `ray` on a cluster."""
