"""Layout `native`: our own names.

Purpose: what `state_dict()` of a compiled network has.
Non-goals: metadata of files; whoever wrote it reads it.
"""

from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.layout import Layout, Source, Table
from nasdsl.weights.parameters import parameters


def native_table(graph: NetworkGraph) -> Table:
    """The table of any network: every name stands for itself."""
    return {
        name: Source(name, optional=name.endswith(".num_batches_tracked"))
        for name in parameters(graph)
    }


def _spare(graph: NetworkGraph) -> tuple[str, ...]:
    return () if graph.skeleton.auxiliary else (r"auxiliary\..*",)


LAYOUT = Layout("native", native_table, spare=_spare)
