"""The pass `dead`: leave out what no result needs.

Purpose: the expansion builds nothing that is dead, but a pass that takes away the last reader
of a state leaves what made it; this pass, after it, takes that away, too.
"""

from nasdsl.network.needed import needed
from nasdsl.passes.pipeline import Pass

PASS = Pass("dead", needed, "leave out what no result needs", drops_parameters=True)
