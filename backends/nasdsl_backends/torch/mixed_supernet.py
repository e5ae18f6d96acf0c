"""`MixedSupernet`: a super-network that mixes options, for differentiable search.

Purpose: the weights' parameters (`alphas`, `betas`), what is drawn of them, and the member that
they lead to.
Non-goals: the sums (`mixed_cell`); one member at a time, which is `PathSupernet`'s and works here
too; training.

- `softmax`: every option runs, weighted by the softmax of its choice (Liu et al. 2019, DARTS).
- `gumbel`: one option of each choice runs, drawn anew at each call by the Gumbel maximum; it is
  weighted by one in the forward pass and by the softmax at `temperature` in the backward pass
  (Dong and Yang 2019, GDAS).
- `partial`: every option runs on a k-th of the channels, and inputs have weights of their own
  (Xu et al. 2020, PC-DARTS).

Nothing is dropped in a mixture, and the auxiliary classifier does not run.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.graph import IMAGE, Module, Ref
from nasdsl.oneshot.graph import SuperCell, SuperGraph
from nasdsl.oneshot.mixing import Mixture, derived, ensure_mixable, mixtures, taken_options
from nasdsl.space import choices, genotype_from_choices
from nasdsl_backends.torch.mixed_cell import Weights, run_mixed
from nasdsl_backends.torch.module import run
from nasdsl_backends.torch.network import Network, NetworkOutputs
from nasdsl_backends.torch.path_supernet import PathSupernet
from nasdsl_backends.torch.program import program_of
from nasdsl_backends.torch.shared import layer_at

MixedRelaxation = Literal["softmax", "gumbel", "partial"]
#: The deviation of the first alphas and betas (quark0/darts `cnn/model_search.py`).
_SPREAD = 1e-3


class MixedSupernet(PathSupernet):
    """The members of a space in one network that mixes them.

    Args:
        graph: what to build; its options give one shape in every choice. With `partial` its cells
            have a `k` of more than 1.
        relaxation: `softmax`, `gumbel` or `partial`.
        **options: those of `PathSupernet`.

    Attributes:
        alphas: the parameters of options by mixture: a row for each input, a column for each op.
            Cells of a kind share them. They are not among `weights()`.
        betas: with `partial`, those of the inputs of a mixture that has several, (inputs,).
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
        self.alphas, self.betas = nn.ParameterDict(), nn.ParameterDict()

        def drawn(*sizes: int) -> nn.Parameter:
            first = _SPREAD * torch.randn(sizes, generator=generator)
            return nn.Parameter(first.to(like.device, like.dtype))

        for name, mixture in self.mixtures.items():
            sizes = max(len(mixture.inputs), 1), len(mixture.options)
            if max(sizes) > 1:
                self.alphas[name] = drawn(*sizes)
        if self._is_partial:
            for name, mixture in self.mixtures.items():
                if len(mixture.inputs) > 1:
                    self.betas[name] = drawn(len(mixture.inputs))
        self._outer = [
            (module.name, program_of(module.body), module.inputs, module.outputs)
            if isinstance(module, Module)
            else module
            for module in graph.modules
            if not (isinstance(module, Module) and module.role == "auxiliary")
        ]
        self._fixed: dict[str, Weights] | None = None

    @property
    def _is_partial(self) -> bool:
        return self.relaxation == "partial"

    def architecture(self) -> list[nn.Parameter]:
        """The architecture's parameters: alphas and betas."""
        return [*self.alphas.values(), *self.betas.values()]

    def weights(self) -> list[nn.Parameter]:
        """All parameters but the architecture's."""
        others = {id(parameter) for parameter in self.architecture()}
        return [parameter for parameter in self.parameters() if id(parameter) not in others]

    def mix(self) -> None:
        """Mix all options again, after `choose`."""
        self._running, self.chosen, self._fixed = (), None, None

    def choose(self, genotype: Genotype) -> None:
        """Let a member of the space run from now on.

        With `partial` it is the mixture whose weights are 1 for the member's options and 0 for
        others: ops see a k-th of the channels.

        Raises:
            CellError: NAS602, it is not one.
        """
        if not self._is_partial:
            super().choose(genotype)
            return
        space = self.graph.space
        taken = choices(space, genotype)
        like = next(self.parameters())
        self._fixed = {}
        for name, places in taken_options(space, taken).items():
            if name in self.alphas:
                options = torch.zeros_like(self.alphas[name])
                for place in places:
                    options[place] += 1
                rows = like.new_ones(len(options))
                inputs = rows if self.mixtures[name].inputs else None
                self._fixed[name] = Weights(options, inputs, taken=frozenset(places))
        self.chosen = genotype_from_choices(space, taken)

    def member(self, genotype: Genotype | None = None) -> Network:
        """See `PathSupernet.member`.

        Raises:
            CellError: NAS602, NAS891, as there; NAS891, with `partial` no member's layers are
                trained, but only a k-th of their channels.
        """
        if self._is_partial:
            raise cell_error(
                "NAS891",
                "a super-network with partial channels has no weights for members: its ops see "
                f"1/{self._k} of the channels",
                "`nasdsl.compile(genotype)` builds the member with new weights",
            )
        return super().member(genotype)

    @property
    def _k(self) -> int:
        return max(cell.k for cell in self.graph.cells.values())

    def probabilities(self) -> dict[str, Tensor]:
        """By mixture, the weights of its options, a row for each input and a column for each op.

        The softmax of the alphas: over an input's ops for edges and with `partial`, elsewhere over
        all options. With `partial`, times the softmax of the betas over the inputs.
        """
        found = {}
        for name in self.mixtures:
            if name not in self.alphas:
                found[name] = next(self.parameters()).new_ones((1, 1))
                continue
            weights = self._soft(name)
            inputs = weights.inputs
            found[name] = weights.options if inputs is None else weights.options * inputs[:, None]
        return found

    def derived(self) -> Genotype:
        """The member of the strongest options; see `nasdsl.oneshot.mixing.derived`."""
        found = {name: weights.tolist() for name, weights in self.probabilities().items()}
        return derived(self.graph.space, found)

    # -- running ------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor | NetworkOutputs:
        """Logits (B, classes) of images (B, input_channels, H, W), of the mixture or the chosen."""
        if self._running:
            return super().forward(x)
        weights = self._drawn() if self._fixed is None else self._fixed
        states: dict[Ref, Tensor] = {IMAGE: x}
        for module in self._outer:
            if isinstance(module, SuperCell):
                given = [states[ref] for ref in module.inputs]
                passed_on = run_mixed(layer_at(self, module.name), module, given, weights)
                for number, state in enumerate(passed_on):
                    states[Ref(module.name, str(number))] = state
                continue
            name, program, inputs, outputs = module
            made = run(program, layer_at(self, name), [states[ref] for ref in inputs])
            states.update(zip(outputs, made, strict=True))
        return made[-1]

    def _drawn(self) -> dict[str, Weights]:
        draw = self._hard if self.relaxation == "gumbel" else self._soft
        return {name: draw(name) for name in self.alphas}

    def _soft(self, name: str) -> Weights:
        mixture, alpha = self.mixtures[name], self.alphas[name]
        if not self._is_partial or not mixture.inputs:
            return Weights(_softmax(mixture, alpha))
        inputs = self.betas[name].softmax(0) if name in self.betas else alpha.new_ones(1)
        return Weights(alpha.softmax(-1), inputs)

    def _hard(self, name: str) -> Weights:
        mixture, alpha = self.mixtures[name], self.alphas[name]
        noise = -torch.empty_like(alpha).exponential_().log()
        soft = _softmax(mixture, (alpha + noise) / self.temperature)
        dim = -1 if mixture.over == "input" else None
        best = soft.argmax(dim, keepdim=dim is not None)
        hard = torch.zeros_like(soft)
        if dim is None:
            hard.view(-1)[best] = 1
        else:
            hard.scatter_(-1, best, 1)
        return Weights(hard - soft.detach() + soft, hard=True)


def _softmax(mixture: Mixture, alpha: Tensor) -> Tensor:
    return (
        alpha.softmax(-1) if mixture.over == "input" else alpha.flatten().softmax(0).view_as(alpha)
    )
