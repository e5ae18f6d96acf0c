"""Layout `native`: our own names.

Purpose: what `state_dict()` of a compiled network has.
"""

from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.layout import ForeignTensor, Layout, Table, parameters


def native_table(graph: NetworkGraph) -> Table:
    """The table of any network: every name stands for itself.

    What nothing reads may be missing: earlier versions did not store it.
    """
    unread = {
        f"{module.name}.{part.path}."
        for module in graph.modules
        for part in module.body.parts
        if part.kept and part.nodes[-1].name in module.body.unread
    }
    return {
        name: ForeignTensor(
            name,
            optional=name.endswith(".num_batches_tracked") or name.startswith(tuple(unread)),
        )
        for name in parameters(graph)
    }


def _spare(graph: NetworkGraph) -> tuple[str, ...]:
    return () if graph.configuration.auxiliary else (r"auxiliary\..*",)


LAYOUT = Layout("native", native_table, spare=_spare)
