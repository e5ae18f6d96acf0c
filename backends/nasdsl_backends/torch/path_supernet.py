"""`PathSupernet`: a super-network of which one member runs at a time.

Purpose: all layers of a space; `choose` says which member of it runs, `member` takes that out.
Non-goals: mixtures of options (`mixed_supernet`), training.

The member runs as `nasdsl.compile` builds it, passes included, on the super-network's own tensors.
So options that are not chosen take no compute and get no gradient.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype
from nasdsl.memory import require_room
from nasdsl.network.bodies import Bodies
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph
from nasdsl.oneshot.graph import SuperGraph
from nasdsl.oneshot.sharing import Share, shares
from nasdsl.passes import run
from nasdsl.space import choices, genotype_from_choices
from nasdsl.values import require_types
from nasdsl_backends.torch.build_options import DropPathMode, build_options
from nasdsl_backends.torch.emission import Target
from nasdsl_backends.torch.initialise import draw_weights
from nasdsl_backends.torch.maker import LayerMaker
from nasdsl_backends.torch.module import register
from nasdsl_backends.torch.network import Network, NetworkOutputs
from nasdsl_backends.torch.shared import PathNetwork, SharedLayers, cut_tensors, layer_at

_PASSES = ("merge", "hoist")
#: Members whose programs are kept; a program has no tensors of its own.
_KEPT = 64


class PathSupernet(nn.Module):
    """The members of a space in one network; one of them runs at a time.

    Parameters are called `<module>.<chain>.<layer>.<weight | bias | ...>`, see
    `nasdsl.oneshot.cells`.

    Args:
        graph: what to build.
        device: where.
        dtype: of parameters and moving statistics; also by its name, `bfloat16`.
        seed: draws the initial weights independently of PyTorch's global generator.
        drop_path_mode: see `Network`.
        affine: whether batch norms in cells have scales and shifts.

    Raises:
        CellError: NAS502, NAS008, an illegal value; NAS707, the device cannot be used, or has too
            little memory.

    Attributes:
        graph: what was built.
        chosen: the member that runs; None before the first `choose`.
        progress: a buffer: how far training is, from 0 to 1.
    """

    progress: Tensor

    def __init__(
        self,
        graph: SuperGraph,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | str | None = None,
        seed: int | None = None,
        drop_path_mode: DropPathMode = "scheduled",
        affine: bool = True,
    ) -> None:
        super().__init__()
        device, dtype, seed, drop_path_mode = build_options(device, dtype, seed, drop_path_mode)
        require_types(affine=(affine, bool))
        self.graph, self.drop_path_mode = graph, drop_path_mode
        if device.type == "cpu":
            require_room(graph.numbers * (dtype or torch.get_default_dtype()).itemsize)
        maker = LayerMaker(Target(graph.configuration, device, dtype))
        cells = tuple(f"{name}." for name in graph.cells)
        for name, node in graph.layers().items():
            layer = maker.layer(node)
            assert layer is not None, node.primitive
            if not affine and node.primitive == "batch_norm" and name.startswith(cells):
                layer.register_parameter("weight", None)
                layer.register_parameter("bias", None)
            register(self, name.split("."), layer)
        self.register_buffer("progress", torch.zeros((), device=device))
        draw_weights(self, graph.configuration.name, seed)
        self.chosen: Genotype | None = None
        self._bodies = Bodies()
        self._programs: OrderedDict[tuple[int, ...], PathNetwork] = OrderedDict()
        self._running: tuple[PathNetwork, ...] = ()

    # -- choosing -----------------------------------------------------------------------

    def choose(self, genotype: Genotype) -> None:
        """Let a member of the space run from now on.

        Raises:
            CellError: NAS602, it is not one.
        """
        taken = choices(self.graph.space, genotype)
        program = self._programs.get(taken)
        member = genotype_from_choices(self.graph.space, taken)
        if program is None:
            # Of what members choose, a configuration has only the width of the last state, which
            # no layer depends on.
            graph = network_graph(member, self.graph.configuration, self._bodies)
            program = self._programs[taken] = self._program(graph)
            if len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(taken)
        # In a tuple, so that it does not become a submodule: its layers are there already.
        self._running, self.chosen = (program,), member

    def member(self, genotype: Genotype | None = None) -> Network:
        """A member's network with the weights that it inherits, ready to be trained further.

        It is what `nasdsl.compile` makes of the genotype, and shares nothing with the
        super-network.

        Args:
            genotype: of the space; None takes the one that is chosen.

        Raises:
            CellError: NAS602, it is not a member; NAS891, none is chosen.
        """
        if genotype is None:
            self._ran()
            genotype = self.chosen
        assert genotype is not None
        taken = choices(self.graph.space, genotype)
        graph = network_graph(genotype_from_choices(self.graph.space, taken))
        table = shares(self.graph, graph)
        like = next(self.parameters())
        made = Network(
            run(graph, _PASSES), like.device, like.dtype, 0, drop_path_mode=self.drop_path_mode
        )
        inherit(made, self, table)
        made.progress.copy_(self.progress)
        return made.train(self.training)

    def _program(self, graph: NetworkGraph) -> PathNetwork:
        layers = SharedLayers(self, shares(self.graph, graph))
        return PathNetwork(run(graph, _PASSES), layers, self.drop_path_mode)

    def _ran(self) -> PathNetwork:
        if not self._running:
            raise cell_error(
                "NAS891",
                "no member of the super-network is chosen",
                "choose one first: `net.choose(genotype)`",
            )
        return self._running[0]

    # -- running ------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor | NetworkOutputs:
        """What the chosen member makes of images (B, input_channels, H, W).

        Raises:
            CellError: NAS891, none is chosen.
        """
        program = self._ran()
        program.follow(self.training)
        program._buffers["progress"] = self.progress
        made: Tensor | NetworkOutputs = program(x)
        return made

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) by which members are compared; nothing is dropped.

        Batch norms normalise by the batch, as in ENAS: the moving statistics are those of all
        members that were trained. They stay as they are.

        Raises:
            CellError: NAS891, none is chosen.
        """
        self.eval()
        for program in self._running:
            program.eval()
        running: tuple[nn.Module, ...] = self._running or (self,)
        norms = [
            each for part in running for each in part.modules() if isinstance(each, nn.BatchNorm2d)
        ]
        for norm in norms:
            norm.training, norm.track_running_stats = True, False
        try:
            made: Tensor = self(x)
        finally:
            for norm in norms:
                norm.training, norm.track_running_stats = False, True
        return made

    def train(self, mode: bool = True) -> Self:
        """See `torch.nn.Module.train`. Nothing is done where the mode is that already.

        A super-network has thousands of layers, and walking over all of them in every step would
        take as long as the step of a small member.
        """
        return self if mode == self.training else super().train(mode)

    def chosen_parameters(self) -> list[nn.Parameter]:
        """The parameters of the chosen member, of which alone a step has to know.

        Where a member has some of a layer's channels, the parameters are those of all.

        Raises:
            CellError: NAS891, none is chosen.
        """
        return list(self._ran().parameters())

    def set_progress(self, progress: float) -> None:
        """Say how far training is: steps taken / steps in all. See `Network.set_progress`."""
        if not progress >= 0:
            raise ValueError(f"progress is a share of the training, not {progress!r}")
        self.progress.fill_(min(float(progress), 1.0))

    def extra_repr(self) -> str:
        """The network in a line."""
        return f"{self.graph.space.name}, {self.graph.configuration.name} skeleton"


def inherit(member: nn.Module, root: nn.Module, tables: Mapping[str, Mapping[str, Share]]) -> None:
    """Copy a member's tensors from the layers of a super-network that it shares."""
    shared = [
        (f"{module}.{name}", share)
        for module, table in tables.items()
        for name, share in table.items()
    ]
    with torch.no_grad():
        for name, share in shared:
            layer = layer_at(member, name)
            tensors = cut_tensors(layer_at(root, share.path), share)
            for key, value in (*layer.named_parameters(), *layer.named_buffers()):
                # A batch norm without scales has those of a new one.
                if key in tensors:
                    value.copy_(tensors[key])
