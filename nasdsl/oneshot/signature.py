"""Chains that may share weights: which are the same, and what they are called.

Purpose: two members share the layers of a chain exactly if it stands at the same place, chooses the
same and has the same layers at the same shapes. Where the number of channels that come in depends
on the choices, as it does for the first layers that read a cell's output, chains are the same
whatever that number is, and the weights are those of all channels that may come in.
Non-goals: which channels a member reads (`nasdsl.oneshot.sharing`).
"""

from nasdsl.network.layers import Chain
from nasdsl.primitives import PRIMITIVES, Node, Shape

Signature = tuple[Node, ...]


def sets_channels(node: Node) -> bool:
    """Whether the channels of the node's result are its own, not its input's."""
    return PRIMITIVES[node.primitive].sets_channels


def signature(chain: Chain, *, open_channels: bool) -> Signature:
    """The layers of a chain without names.

    Args:
        chain: the nodes, with names and inputs or without.
        open_channels: whether the channels that come in are left out.
    """
    bare = tuple(node._replace(name="", inputs=()) for node in chain)
    return with_channels(bare, 0) if open_channels else bare


def with_channels(chain: Chain, channels: int) -> Chain:
    """The chain where so many channels come in."""
    made: Chain = ()
    for index, node in enumerate(chain):
        before = _with(node.before, channels)
        if sets_channels(node):
            return (*made, node._replace(before=before), *chain[index + 1 :])
        made += (node._replace(before=before, shape=_with(node.shape, channels)),)
    return made


def _with(shape: Shape, channels: int) -> Shape:
    return Shape(channels, shape.height, shape.width)
