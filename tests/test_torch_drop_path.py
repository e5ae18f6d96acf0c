"""ScheduledDropPath: which paths are dropped, how often, and what is kept of them.

The rule (slim, drop path 'v3'): keep = 1 - progress * depth * drop_path; each example of each
path is kept with that probability and then divided by it.
"""

import copy
import math

import pytest
import torch
from torch import Tensor

import nasdsl
from nasdsl.network import NetworkGraph
from tests.torch_networks import (
    built,
    image,
    small,
)

RATE = 0.4


pytestmark = pytest.mark.usefixtures("one_thread")


def masked(graph: NetworkGraph, mode: str, progress: float, batch: int) -> dict[str, Tensor]:
    """For every cell, the masks (paths, B) of one training step; seen, not computed anew.

    Every multiplication by a mask of (B, 1, 1, 1) in the running network is recorded.
    """
    net = built(graph, seed=1, drop_path_mode=mode).train()  # type: ignore[arg-type]
    net.set_progress(progress)
    seen: dict[str, Tensor] = {}

    class Recorder(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            made = func(*args, **(kwargs or {}))
            if func in (torch.Tensor.mul, torch.Tensor.__mul__) and len(args) == 2:
                mask = args[1]
                if isinstance(mask, Tensor) and mask.shape == (batch, 1, 1, 1):
                    row = mask.detach().flatten()[None]
                    seen[cell[-1]] = torch.cat((seen[cell[-1]], row)) if cell[-1] in seen else row
            return made

    cell: list[str] = []
    for module in graph.modules:
        if module.role == "cell":
            net.get_submodule(module.name).register_forward_pre_hook(
                lambda *_, name=module.name: cell.append(name)
            )
    with Recorder(), torch.no_grad():
        net(image(graph, batch=batch, size=16))
    return seen


def drops(graph: NetworkGraph) -> dict[str, int]:
    """How many paths may be dropped in each cell, by the graph."""
    nodes = [module.name for module, node in graph.nodes() if node.primitive == "drop_path"]
    return {name: nodes.count(name) for name in nodes}


@pytest.mark.parametrize("progress", [0.25, 1.0])
def test_keep_probability(progress: float) -> None:
    """Each cell keeps with its depth's probability, and divides what it keeps by that."""
    torch.manual_seed(0)
    graph = small("nasnet_a_cifar", N=1, drop_path=RATE, cell_filters=2, image_size=16)
    batch = 4000
    seen = masked(graph, "scheduled", progress, batch)
    assert {name: len(masks) for name, masks in seen.items()} == drops(graph)
    cells = [module for module in graph.modules if module.role == "cell"]
    for place, module in enumerate(cells, 1):
        keep = 1 - progress * RATE * place / len(cells)
        masks = seen[module.name]
        kept = masks[masks != 0]
        torch.testing.assert_close(kept, torch.full_like(kept, 1 / keep))
        # Five standard deviations of a share of that many independent draws.
        slack = 5 * math.sqrt(keep * (1 - keep) / masks.numel())
        assert abs(kept.numel() / masks.numel() - keep) < slack


def test_paths_and_examples_are_independent() -> None:
    """No two paths share a mask, and the examples of a batch differ."""
    torch.manual_seed(0)
    graph = small("nasnet_a_cifar", N=1, drop_path=RATE, cell_filters=2, image_size=16)
    masks = torch.cat([*masked(graph, "scheduled", 1.0, 2000).values()])
    late = masks[-10:]
    kept = (late != 0).double()
    correlations = torch.corrcoef(kept) - torch.eye(len(kept), dtype=torch.float64)
    assert float(correlations.abs().max()) < 5 / math.sqrt(2000)
    assert all(0 < float(row.mean()) < 1 for row in kept)


def test_plain() -> None:
    """Plain drop path: one probability for all cells, whatever the progress."""
    torch.manual_seed(0)
    graph = small("nasnet_a_cifar", N=1, drop_path=RATE, cell_filters=2, image_size=16)
    for masks in masked(graph, "plain", 0.0, 4000).values():
        kept = masks[masks != 0]
        torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - RATE)))
        slack = 5 * math.sqrt(RATE * (1 - RATE) / masks.numel())
        assert abs(kept.numel() / masks.numel() - (1 - RATE)) < slack


def test_darts_has_no_depth() -> None:
    """In DARTS's skeleton all cells keep alike, scaled by progress alone."""
    torch.manual_seed(0)
    graph = small("darts_v2_cifar", drop_path=RATE, cell_filters=2, image_size=16)
    for masks in masked(graph, "scheduled", 0.5, 2000).values():
        kept = masks[masks != 0]
        torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - RATE / 2)))


def test_identity_is_never_dropped() -> None:
    """NASNet-A's normal cell: eight of its ten ops are dropped, the two identities are not."""
    graph = small("nasnet_a_cifar", N=2, drop_path=RATE)
    assert drops(graph)["cells.1"] == 8
    paths = [
        n.name for m, n in graph.nodes() if m.name == "cells.1" and n.name.endswith("drop_path")
    ]
    ops = nasdsl.load("nasnet_a").cell("normal").blocks  # type: ignore[union-attr]
    expected = [
        f"cells.1.b{i}.{side}.drop_path"
        for i, block in enumerate(ops)
        for side, op in zip(("left", "right"), block.ops, strict=True)
        if op != "identity"
    ]
    assert paths == expected


def test_training_begins_without_drops() -> None:
    """Until progress is set, a network in training is deterministic."""
    net = built(small("nasnet_a_cifar", drop_path=RATE, dropout=0.0), seed=1).train()
    x = image(net.graph)
    assert torch.equal(net(x), net(x))
    net.set_progress(1.0)
    assert not torch.equal(net(x), net(x))
    assert torch.equal(net.eval()(x), net(x))


def test_progress_is_state() -> None:
    """Progress is saved and loaded, copied, and moved with the network."""
    graph = small("nasnet_a_cifar", drop_path=RATE)
    net = built(graph)
    net.set_progress(3 / 8)
    assert float(net.state_dict()["progress"]) == 0.375
    other = built(graph)
    assert float(other.progress) == 0
    other.load_state_dict(net.state_dict())
    assert float(other.progress) == float(copy.deepcopy(net).progress) == 0.375


def test_progress_has_bounds() -> None:
    """Training longer than planned drops no more; negative progress and NaN are mistakes."""
    net = built(small("nasnet_a_cifar"))
    net.set_progress(1.5)
    assert float(net.progress) == 1
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="progress"):
            net.set_progress(wrong)
    assert float(net.progress) == 1
