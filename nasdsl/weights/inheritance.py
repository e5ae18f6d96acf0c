"""Weights that a network inherits from another one, where both have the same part.

A part is an op, or what prepares an input, at its place in the network: `cells.3.b2.left`. It is
the same where its chain of primitives is, with all arguments and shapes, whatever state it reads:
a mutation of one op or one input leaves all other parts as they were.
"""

from pathlib import Path
from typing import Any

import torch

from nasdsl.atomic_write import atomic_write, forgiving_stream, write_errors
from nasdsl.errors import cell_error, first_line
from nasdsl.network.graph import Module, NetworkGraph, Node, Part
from nasdsl.primitives import PRIMITIVES


def inherited_names(graph: NetworkGraph, parent: NetworkGraph) -> frozenset[str]:
    """The names of the tensors of all parts that both networks have."""
    known = {_chain(module, part) for module in parent.modules for part in module.body.parts}
    return frozenset(
        f"{module.name}.{node.name}.{tensor.name}"
        for module in graph.modules
        for part in module.body.parts
        if _chain(module, part) in known
        for node in part.nodes
        for tensor in PRIMITIVES[node.primitive].tensors(node)
    )


def _chain(module: Module, part: Part) -> tuple[str, tuple[Node, ...]]:
    """A part at its place, without what it reads."""
    return module.name, tuple(node._replace(inputs=()) for node in part.nodes)


def inherit(net: Any, parent: NetworkGraph, path: Path) -> None:
    """Give a network the tensors of the parts that it has in common with another one.

    Args:
        net: what `nasdsl.compile` returned.
        parent: the other network.
        path: the file that `keep` wrote for that.

    Raises:
        CellError: NAS888, the file is missing, damaged, or of another network.
    """
    wanted = inherited_names(net.graph, parent)
    try:
        # Holds tensors alone: PyTorch refuses anything that could run.
        found = torch.load(path, map_location="cpu", weights_only=True)
        values = {name: found[name] for name in wanted}
        net.load_state_dict(values, strict=False)
    except Exception as error:
        raise cell_error(
            "NAS888",
            f"the weights in {str(path)!r} cannot be inherited: "
            f"{type(error).__name__}: {first_line(error, 120)}",
            "the folder of weights is a part of its search; move it together with the store",
        ) from error


def keep(net: Any, path: Path) -> None:
    """Write the weights of a network, for others to inherit.

    Raises:
        CellError: NAS006, they cannot be written.
    """
    with write_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, forgiving_stream(temporary) as stream:
        torch.save(net.state_dict(), stream)
