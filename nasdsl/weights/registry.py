"""The layouts by name.

Purpose: one list, in the order `auto` tries them.
Non-goals: choosing; `nasdsl.weights.load` does.
"""

from nasdsl.errors import cell_error, listed, nearest
from nasdsl.network.graph import NetworkGraph
from nasdsl.weights import cadene, darts, keras, native, slim, timm
from nasdsl.weights.layout import Layout, Table

LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT for module in (native, slim, timm, cadene, keras, darts)
}


def find(name: str) -> Layout:
    """The layout of that name.

    Raises:
        CellError: NAS805, with the layouts there are.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    near = nearest(name, LAYOUTS)
    hints = [f"did you mean `{near}`?"] if near else []
    raise cell_error(
        "NAS805",
        f"no layout of weights is called `{name:.40}`",
        *hints,
        f"the layouts are {listed([*LAYOUTS, 'auto'])}",
    )


def table(graph: NetworkGraph, layout: str) -> Table:
    """What a layout calls every tensor of a network, by our names.

    Raises:
        CellError: NAS804 where the layout has no such network, NAS805 where there is no such
            layout.
    """
    return find(layout).table(graph)
