"""The layouts by name.

Purpose: layouts are found through entry points `nasdsl.layouts`, each a `Layout`.
"""

from nasdsl.errors import listed
from nasdsl.network.graph import NetworkGraph
from nasdsl.registry import Registry
from nasdsl.values import typed
from nasdsl.weights.layout import Layout, Table

#: The installed layouts, in the order in which `auto` tries them.
LAYOUTS: Registry[Layout] = Registry(
    kind="layout of weights",
    group="nasdsl.layouts",
    type=Layout,
    unknown="NAS805",
    extra="torch",
    requirement="a layout is a `nasdsl.weights.layout.Layout`",
    first=("native", "slim", "timm", "cadene", "keras", "darts", "nasbench201"),
)


def find(name: str) -> Layout:
    """The layout of that name.

    Raises:
        CellError: NAS805, with the layouts there are.
    """
    if name in LAYOUTS:
        return LAYOUTS.find(name)
    raise LAYOUTS.unknown_name(name, f"the layouts are {listed([*LAYOUTS, 'auto'])}")


@typed
def table(graph: NetworkGraph, layout: str) -> Table:
    """What a layout calls every tensor of a network, by our names.

    Raises:
        CellError: NAS804 where the layout has no such network, NAS805 where there is no such
            layout.
    """
    return find(layout).table(graph)
