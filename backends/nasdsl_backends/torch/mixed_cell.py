"""A cell of a mixing super-network, run: weighted sums over the options of every choice.

Purpose: `run_mixed`, from the states that a cell is given to those that it passes on.
Non-goals: where the weights come from (`mixed_supernet`).

ReLUs and pools that options begin with are computed once a state, whichever edges read it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.language.genotype.liveness import live_blocks
from nasdsl.network.layers import Chain
from nasdsl.oneshot.graph import SuperCell
from nasdsl.oneshot.mixing import Mixture, gives_zeros, mixtures
from nasdsl.primitives import PRIMITIVES, Node
from nasdsl_backends.torch.emission import EMISSIONS
from nasdsl_backends.torch.layers import total
from nasdsl_backends.torch.shared import layer_at
from nasdsl_backends.torch.weighted import WeightedSum, scaled_norm


class Weights(NamedTuple):
    """The weights of a mixture.

    Attributes:
        options: a row for each input, a column for each op.
        inputs: of each input, (inputs,), where channels are partial; None elsewhere.
        hard: whether options of weight 0 are not run. Only their gradients count.
        taken: the options that are run, by row and column, where only some are; None runs all.
    """

    options: Tensor
    inputs: Tensor | None = None
    hard: bool = False
    taken: frozenset[tuple[int, int]] | None = None


def run_mixed(
    root: nn.Module, cell: SuperCell, given: Sequence[Tensor], weights: Mapping[str, Weights]
) -> list[Tensor]:
    """What a cell passes on.

    Args:
        root: the module with the cell's layers, `<chain>.<layer>`.
        cell: which cell.
        given: h[i], h[i-1], ..., each (B, C, H, W).
        weights: by the names of mixtures. One that is missing has a single option.
    """
    return _Run(root, cell, weights).outputs(given)


class _Run:
    """One pass through one cell."""

    def __init__(self, root: nn.Module, cell: SuperCell, weights: Mapping[str, Weights]) -> None:
        self.root, self.cell, self.weights = root, cell, weights
        self.values: dict[str, Tensor] = {}
        self._beginnings: dict[tuple[str, Chain], Tensor] = {}

    def outputs(self, given: Sequence[Tensor]) -> list[Tensor]:
        """What the cell passes on."""
        cell = self.cell
        for back, state in enumerate(given):
            self.values[f"h{back}"] = self._chained(f"input{back}", state)
        found = {(each.block, each.word): each for each in mixtures(cell.space)}
        live = live_blocks(cell.space)
        for index, block in enumerate(cell.space.blocks):
            if not live[index]:
                continue
            words = ("edge",) if (index, "edge") in found else ("left", "right")
            operands = [self._mixed(found[index, word]) for word in words]
            results = [
                self._combined(f"b{index}.combine-{combine}", operands)
                for combine in block.combines
            ]
            if len(results) > 1:
                shares = self.weights[found[index, "combine"].name].options[0]
                results = [total(*[w * r for w, r in zip(shares, results, strict=True)])]
            self.values[f"b{index}"] = results[0]
        made = []
        for output in cell.outputs:
            parts = [self._chained(f"output.{key}", self.values[key]) for key in output.widths]
            made.append(parts[0] if len(parts) == 1 else torch.cat(parts, 1))
        return made

    def _mixed(self, mixture: Mixture) -> Tensor:
        """The weighted sum of a mixture's options."""
        weights = None if self.cell.own else self.weights.get(mixture.name)
        key = mixture.inputs[0]
        if weights is None:
            return self._option(_chain_name(mixture, 0, 0), key)
        terms = WeightedSum()
        for row, read in enumerate(mixture.inputs):
            if weights.inputs is None:
                self._weigh(terms, mixture, weights, row, read)
            elif weights.taken is None or any(each[0] == row for each in weights.taken):
                terms.add(weights.inputs[row], self._partial(mixture, weights, row))
        # Where nothing but zeros was drawn, an option says what shape they have.
        return terms.total(lambda: 0 * self._option(_chain_name(mixture, 0, 0), key))

    def _weigh(
        self, terms: WeightedSum, mixture: Mixture, weights: Weights, row: int, key: str
    ) -> None:
        """Add the weighted options of one input; `key` is the state that they see of it."""
        for column, op in enumerate(mixture.options):
            if weights.taken is not None and (row, column) not in weights.taken:
                continue
            weight = weights.options[row, column]
            if weights.hard and not weight.detach().item() > 0.5:
                terms.scalar(weight)
            elif not gives_zeros(self.cell.vocabulary, op):
                self._add_option(terms, _chain_name(mixture, row, column), key, weight)

    def _add_option(self, terms: WeightedSum, name: str, key: str, weight: Tensor) -> None:
        """Add an option; where it ends in a batch norm, that takes in the weight."""
        nodes = self.cell.chains.nodes.get(name, ())
        if not nodes or nodes[-1].primitive != "batch_norm":
            terms.add(weight, self._option(name, key))
            return
        last = len(nodes) - 1
        norm = layer_at(self.root, f"{name}.{last}")
        assert isinstance(norm, nn.BatchNorm2d)
        terms.give(scaled_norm(norm, self._option(name, key, last), weight))

    def _partial(self, mixture: Mixture, weights: Weights, row: int) -> Tensor:
        """An edge of PC-DARTS: ops on the first channels, past which the others go.

        After yuhuixu1993/PC-DARTS `model_search.py`, `MixedOp`: where the ops halve the map, a
        maximum of 2 x 2 halves the others; the channels are shuffled afterwards.
        """
        key, k = mixture.inputs[row], self.cell.k
        whole = self.values[key]
        channels = whole.shape[1] // k
        part_key = f"{key}/{k}"
        if part_key not in self.values:
            self.values[part_key] = whole[:, :channels]
        terms = WeightedSum()
        self._weigh(terms, mixture, weights, row, part_key)
        rest = whole[:, channels:]
        if self.cell.stride == 2 and key.startswith("h"):
            rest = F.max_pool2d(rest, 2, 2, ceil_mode=True)
        mixed = terms.total(lambda: rest.new_zeros(rest.shape[0], channels, *rest.shape[2:]))
        return _shuffled(torch.cat([mixed, rest], 1), k)

    def _option(self, name: str, key: str, end: int | None = None) -> Tensor:
        """What a chain of layers makes of a state, up to the layer `end`."""
        nodes = self.cell.chains.nodes.get(name, ())[:end]
        x, first = self.values[key], 0
        while first < len(nodes) and PRIMITIVES[nodes[first].primitive].repeatable:
            beginning = key, nodes[: first + 1]
            if beginning not in self._beginnings:
                path = f"{name}.{first}"
                self._beginnings[beginning] = self._applied(path, nodes[first], [x])
            x, first = self._beginnings[beginning], first + 1
        return self._chained(name, x, first, end)

    def _chained(self, name: str, x: Tensor, first: int = 0, end: int | None = None) -> Tensor:
        nodes = self.cell.chains.nodes.get(name, ())[:end]
        for index, node in enumerate(nodes[first:], first):
            emission = EMISSIONS[node.primitive]
            if (
                index > first
                and emission.in_place
                and EMISSIONS[nodes[index - 1].primitive].gives_away
            ):
                # Only this layer reads what the one before it has made.
                x = emission.in_place(x)
            else:
                x = self._applied(f"{name}.{index}", node, [x])
        return x

    def _combined(self, name: str, operands: list[Tensor]) -> Tensor:
        first, *rest = self.cell.chains.nodes[name]
        # The edges of a block are added up already.
        x = operands[0] if len(operands) == 1 else self._applied(f"{name}.0", first, operands)
        for index, node in enumerate(rest, 1):
            x = self._applied(f"{name}.{index}", node, [x])
        return x

    def _applied(self, path: str, node: Node, operands: list[Tensor]) -> Tensor:
        emission = EMISSIONS[node.primitive]
        function = (
            layer_at(self.root, path) if emission.function is None else emission.function(node)
        )
        made: Tensor = function(*operands)
        return made


def _chain_name(mixture: Mixture, row: int, column: int) -> str:
    """What the chain of an option is called."""
    key, op = mixture.inputs[row], mixture.options[column]
    return f"b{mixture.block}.{mixture.word}.{key}-{op}"


def _shuffled(x: Tensor, groups: int) -> Tensor:
    """The channels of (B, C, H, W) dealt out, so that each group's are spread over all."""
    batch, channels, height, width = x.shape
    parted = x.view(batch, groups, channels // groups, height, width)
    return parted.transpose(1, 2).reshape(batch, channels, height, width)
