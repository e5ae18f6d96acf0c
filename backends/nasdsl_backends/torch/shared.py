"""Shared layers: a member of a super-network whose tensors are the super-network's.

Purpose: the network of a member is built as any other, from layers that are there already. A layer
that reads fewer channels in the member than in the super-network is `Cut`.
Non-goals: which layers and channels those are (`nasdsl.oneshot.sharing`).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nasdsl.network.graph import Module, NetworkGraph
from nasdsl.oneshot.sharing import Share
from nasdsl.primitives import Node
from nasdsl_backends.torch.build_options import DropPathMode
from nasdsl_backends.torch.emission import EMISSIONS
from nasdsl_backends.torch.maker import Maker
from nasdsl_backends.torch.module import GraphModule
from nasdsl_backends.torch.network import Network
from nasdsl_backends.torch.program import Program


class SharedLayers:
    """Hands a member the layers of the super-network; see `maker.Maker`.

    Args:
        root: the super-network.
        tables: by module, from the names of the member's layers to what they share.
        module: the module whose layers are asked for.
    """

    def __init__(
        self, root: nn.Module, tables: Mapping[str, Mapping[str, Share]], module: str = ""
    ) -> None:
        self.root, self.tables, self.module = root, tables, module

    def within(self, module: str) -> "SharedLayers":
        """What hands over the layers of that module."""
        return SharedLayers(self.root, self.tables, module)

    def layer(self, node: Node) -> nn.Module | None:
        """The layer of a node; None where its primitive becomes a function."""
        if EMISSIONS[node.primitive].module is None:
            return None
        share = self.tables[self.module][node.name]
        layer = layer_at(self.root, share.path)
        return layer if share.channels is None else Cut(layer, share)


class PathNetwork(Network):
    """A member as it runs in a super-network; members share the modules that are alike.

    Args:
        graph: of the member, after any passes.
        layers: of the super-network.
        drop_path_mode: see `Network`.
    """

    def __init__(
        self, graph: NetworkGraph, layers: SharedLayers, drop_path_mode: DropPathMode
    ) -> None:
        self._parts: list[GraphModule] = []
        super().__init__(graph, "meta", drop_path_mode=drop_path_mode, maker=layers)

    def _module(self, module: Module, maker: Maker, program: Program) -> GraphModule:
        assert isinstance(maker, SharedLayers)
        key, table = ("path", module.name), maker.tables[module.name]
        # Bodies that members share are a super-network's own.
        kept = module.body.kept
        if key not in kept or kept[key][0] is not table:
            kept[key] = table, super()._module(module, maker, program)
        made: GraphModule = kept[key][1]
        self._parts.append(made)
        return made

    def follow(self, mode: bool) -> None:
        """Be in training or not, whatever other members have done with the modules they share."""
        if any(part.training is not mode for part in self._parts):
            self.train(mode)


class Cut(nn.Module):
    """A layer of a super-network with some of its channels, as a member has it."""

    def __init__(self, whole: nn.Module, share: Share) -> None:
        super().__init__()
        self.whole, self.share = whole, share

    def forward(self, x: Tensor) -> Tensor:
        """What the layer makes of (B, C, H, W), where C are the member's channels."""
        tensors = cut_tensors(self.whole, self.share)
        made: Tensor = functional_call(self.whole, tensors, (x,))
        if self.training:
            # Moving statistics were moved in a copy.
            with torch.no_grad():
                for name, buffer in self.whole.named_buffers():
                    if buffer.dim():
                        _put_back(buffer, tensors[name], self.share)
        return made


def layer_at(root: nn.Module, path: str) -> nn.Module:
    """The layer at a path whose words need not be attributes."""
    for word in path.split("."):
        root = root._modules[word]  # type: ignore[assignment]
    return root


def cut_tensors(layer: nn.Module, share: Share) -> dict[str, Tensor]:
    """A layer's parameters and buffers as a member has them; gradients reach the whole ones."""
    tensors = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
    if share.channels is None:
        return tensors
    made = {}
    for name, tensor in tensors.items():
        if tensor.dim() <= share.dim:
            made[name] = tensor
            continue
        pieces = [
            tensor.narrow(share.dim, first, after - first) for first, after in share.channels.ranges
        ]
        made[name] = torch.cat(pieces, share.dim)
    return made


def _put_back(whole: Tensor, part: Tensor, share: Share) -> None:
    assert share.channels is not None
    at = 0
    for first, after in share.channels.ranges:
        length = after - first
        whole.narrow(share.dim, first, length).copy_(part.narrow(share.dim, at, length))
        at += length
