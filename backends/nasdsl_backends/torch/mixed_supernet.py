"""`MixedSupernet`: a super-network that mixes options, for differentiable search.

Purpose: weighted sums over the options of every choice, the weights' parameters (`alphas`), and the
member that they lead to.
Non-goals: one member at a time, which is `PathSupernet`'s and works here too; training.

- `softmax`: every option runs, weighted by the softmax of its choice (Liu et al. 2019, DARTS).
- `gumbel`: one option of each choice runs, drawn anew at each call by the Gumbel maximum; it is
  weighted by one in the forward pass and by the softmax at `temperature` in the backward pass
  (Dong and Yang 2019, GDAS).

Nothing is dropped in a mixture, and the auxiliary classifier does not run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nasdsl.language.genotype.liveness import live_blocks
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.graph import IMAGE, Module, Ref
from nasdsl.oneshot.graph import SuperCell, SuperGraph
from nasdsl.oneshot.mixing import Mixture, derived, ensure_mixable, gives_zeros, mixtures
from nasdsl.primitives import Node
from nasdsl_backends.torch.emission import EMISSIONS
from nasdsl_backends.torch.layers import total
from nasdsl_backends.torch.module import run
from nasdsl_backends.torch.network import NetworkOutputs
from nasdsl_backends.torch.path_supernet import PathSupernet
from nasdsl_backends.torch.program import program_of
from nasdsl_backends.torch.shared import layer_at

MixedRelaxation = Literal["softmax", "gumbel"]
#: The deviation of the first alphas (quark0/darts `cnn/model_search.py`).
_SPREAD = 1e-3


class MixedSupernet(PathSupernet):
    """The members of a space in one network that mixes them.

    Args:
        graph: what to build; its options give one shape in every choice.
        relaxation: `softmax` or `gumbel`.
        **options: those of `PathSupernet`.

    Attributes:
        alphas: the architecture's parameters by mixture: a row for each input, a column for each
            op. Cells of a kind share them. They are not among `weights()`.
        temperature: of `gumbel`.

    Raises:
        CellError: NAS890, options give different shapes.
    """

    def __init__(
        self, graph: SuperGraph, relaxation: MixedRelaxation = "softmax", **options: Any
    ) -> None:
        ensure_mixable(graph)
        super().__init__(graph, **options)
        self.relaxation, self.temperature = relaxation, 1.0
        like = next(self.parameters())
        generator = torch.Generator().manual_seed(options.get("seed") or 0)
        self.mixtures = {m.name: m for cell in graph.space.cells for m in mixtures(cell)}
        self.alphas = nn.ParameterDict()
        for name, mixture in self.mixtures.items():
            sizes = max(len(mixture.inputs), 1), len(mixture.options)
            if max(sizes) > 1:
                first = _SPREAD * torch.randn(sizes, generator=generator)
                self.alphas[name] = nn.Parameter(first.to(like.device, like.dtype))
        self._outer = [
            (module.name, program_of(module.body), module.inputs, module.outputs)
            if isinstance(module, Module)
            else module
            for module in graph.modules
            if not (isinstance(module, Module) and module.role == "auxiliary")
        ]

    def weights(self) -> list[nn.Parameter]:
        """All parameters but the architecture's."""
        alphas = {id(alpha) for alpha in self.alphas.values()}
        return [parameter for parameter in self.parameters() if id(parameter) not in alphas]

    def mix(self) -> None:
        """Mix all options again, after `choose`."""
        self._running, self.chosen = (), None

    def probabilities(self) -> dict[str, Tensor]:
        """By mixture, the softmax of the alphas: over an edge's ops, elsewhere over all options."""
        return {
            name: _softmax(mixture, self.alphas[name])
            if name in self.alphas
            else next(self.parameters()).new_ones((1, 1))
            for name, mixture in self.mixtures.items()
        }

    def derived(self) -> Genotype:
        """The member of the strongest options; see `nasdsl.oneshot.mixing.derived`."""
        found = {name: weights.tolist() for name, weights in self.probabilities().items()}
        return derived(self.graph.space, found)

    # -- running ------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor | NetworkOutputs:
        """Logits (B, classes) of images (B, input_channels, H, W), of the mixture or the chosen."""
        if self._running:
            return super().forward(x)
        weights = self._drawn()
        states: dict[Ref, Tensor] = {IMAGE: x}
        for module in self._outer:
            if isinstance(module, SuperCell):
                given = [states[ref] for ref in module.inputs]
                for number, state in enumerate(self._cell(module, given, weights)):
                    states[Ref(module.name, str(number))] = state
                continue
            name, program, inputs, outputs = module
            made = run(program, layer_at(self, name), [states[ref] for ref in inputs])
            states.update(zip(outputs, made, strict=True))
        return made[-1]

    def _drawn(self) -> dict[str, Tensor]:
        if self.relaxation == "softmax":
            return self.probabilities()
        drawn = self.probabilities()
        for name, alpha in self.alphas.items():
            noise = -torch.empty_like(alpha).exponential_().log()
            soft = _softmax(self.mixtures[name], (alpha + noise) / self.temperature)
            dim = -1 if self.mixtures[name].over == "input" else None
            best = soft.argmax(dim, keepdim=dim is not None)
            hard = torch.zeros_like(soft)
            if dim is None:
                hard.view(-1)[best] = 1
            else:
                hard.scatter_(-1, best, 1)
            drawn[name] = hard - soft.detach() + soft
        return drawn

    def _cell(
        self, cell: SuperCell, given: Sequence[Tensor], weights: Mapping[str, Tensor]
    ) -> list[Tensor]:
        root = layer_at(self, cell.name)
        values = {
            f"h{back}": _chained(root, cell, f"input{back}", state)
            for back, state in enumerate(given)
        }
        found = {(each.block, each.word): each for each in mixtures(cell.space)}
        live = live_blocks(cell.space)
        for index, block in enumerate(cell.space.blocks):
            if not live[index]:
                continue
            if (index, "edge") in found:
                operands = [self._mixed(root, cell, found[index, "edge"], values, weights)]
            else:
                operands = [
                    self._mixed(root, cell, found[index, side], values, weights)
                    for side in ("left", "right")
                ]
            results = [
                _combined(root, cell, f"b{index}.combine-{combine}", operands)
                for combine in block.combines
            ]
            mixture = found[index, "combine"]
            if len(results) > 1:
                shares = weights[mixture.name][0]
                results = [total(*[w * r for w, r in zip(shares, results, strict=True)])]
            values[f"b{index}"] = results[0]
        made = []
        for output in cell.outputs:
            parts = [_chained(root, cell, f"output.{key}", values[key]) for key in output.widths]
            made.append(parts[0] if len(parts) == 1 else torch.cat(parts, 1))
        return made

    def _mixed(
        self,
        root: nn.Module,
        cell: SuperCell,
        mixture: Mixture,
        values: Mapping[str, Tensor],
        weights: Mapping[str, Tensor],
    ) -> Tensor:
        """The weighted sum of a mixture's options."""
        pinned = cell.own or mixture.name not in self.alphas
        terms: list[Tensor] = []
        for row, key in enumerate(mixture.inputs):
            for column, op in enumerate(mixture.options):
                name = f"b{mixture.block}.{mixture.word}.{key}-{op}"
                if pinned:
                    return _chained(root, cell, name, values[key])
                weight = weights[mixture.name][row, column]
                if self.relaxation == "gumbel" and not weight.detach().item() > 0.5:
                    # It is zero, and only its gradient counts.
                    terms.append(weight)
                elif gives_zeros(cell.vocabulary, op):
                    terms.append(weight * 0)
                else:
                    terms.append(weight * _chained(root, cell, name, values[key]))
        made = total(*terms)
        if made.dim() == 0:
            # Nothing but zeros was drawn.
            name = f"b{mixture.block}.{mixture.word}.{mixture.inputs[0]}-{mixture.options[0]}"
            made = made + 0 * _chained(root, cell, name, values[mixture.inputs[0]])
        return made


def _softmax(mixture: Mixture, alpha: Tensor) -> Tensor:
    return (
        alpha.softmax(-1) if mixture.over == "input" else alpha.flatten().softmax(0).view_as(alpha)
    )


def _chained(root: nn.Module, cell: SuperCell, name: str, x: Tensor) -> Tensor:
    for index, node in enumerate(cell.chains.nodes.get(name, ())):
        x = _applied(root, f"{name}.{index}", node, [x])
    return x


def _combined(root: nn.Module, cell: SuperCell, name: str, operands: list[Tensor]) -> Tensor:
    first, *rest = cell.chains.nodes[name]
    # The edges of a block are added up already.
    x = operands[0] if len(operands) == 1 else _applied(root, f"{name}.0", first, operands)
    for index, node in enumerate(rest, 1):
        x = _applied(root, f"{name}.{index}", node, [x])
    return x


def _applied(root: nn.Module, path: str, node: Node, operands: list[Tensor]) -> Tensor:
    emission = EMISSIONS[node.primitive]
    function = layer_at(root, path) if emission.function is None else emission.function(node)
    made: Tensor = function(*operands)
    return made
