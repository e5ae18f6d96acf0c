"""What a source brings to a network besides its cells and settings.

Purpose: one rule for Python and the command line. A model file brings its trained weights and
the way its paths were dropped; weights of another file may be asked for, but not both.
Non-goals: reading weights (`nasdsl.weights`); the text of a model file (`nasdsl.loading`).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl import weights
from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.parser.read import (
    DETECTOR_MEMBER,
    DROP_PATH_MEMBER,
    PASSES_MEMBER,
    image_metadata,
    is_model,
    model_metadata,
)
from nasdsl.loading import NameOrPath
from nasdsl.network.cost import graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.files import require_weights

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights, and how to read it.

    Attributes:
        path: the file.
        layout: whose names the tensors have; see `nasdsl.weights.load`.
        drop_background: whether its first class is left out.
    """

    path: NameOrPath
    layout: str = "auto"
    drop_background: bool = False

    def load_into(self, net: "Module") -> weights.Loaded:
        """Set the weights of a network. Raises as `nasdsl.weights.load` does."""
        loaded = weights.load(net, self.path, self.layout, drop_background=self.drop_background)
        said = image_metadata(self.path) if is_model(self.path) else None
        if said is not None:
            # So that another model file of the network says it too.
            net.image_metadata = said  # type: ignore[assignment]
        return loaded


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained, or kept from a training.

    Attributes:
        weights: the file that has them; None leaves a network as it was drawn.
        drop_path_mode: how the network drops paths, where its file says so.
        passes: those for inference that made the network of the file, where it was optimised.
    """

    weights: WeightsFile | None = None
    drop_path_mode: str | None = None
    passes: tuple[str, ...] | None = None

    def require_enough(self, graph: NetworkGraph) -> None:
        """Refuse a model that cannot hold the weights of its network, before any is drawn.

        A text of a few lines describes networks that fill any memory.

        Raises:
            CellError: NAS801.
        """
        if self.weights is None or self.weights.layout != "native":
            return
        path = self.weights.path
        size, params = Path(path).stat().st_size, graph_cost(graph).params
        # No type has less than a byte.
        if is_model(path) and size < params:
            raise cell_error(
                "NAS801",
                f"{os.fspath(path)!r} has {size:,} bytes, and its network {params:,} parameters",
                "it is damaged, or not what nasdsl has written",
            )


def trained_part(source: NameOrPath | Genotype, wanted: WeightsFile | None = None) -> Trained:
    """What a source brings along, or the weights that are wanted in their place.

    Args:
        source: a genotype or another source without weights brings nothing.
        wanted: weights of another file.

    Raises:
        CellError: NAS801, a model file has weights of its own; NAS802, it is damaged, or holds a
            detector; NAS001 and NAS802, what is wanted is no file of weights.
    """
    if isinstance(source, Genotype) or not is_model(source):
        if wanted is not None:
            require_weights(Path(wanted.path))
        return Trained(wanted)
    if wanted is not None:
        raise cell_error(
            "NAS801",
            f"{os.fspath(source)!r} brings its own weights, and {os.fspath(wanted.path)!r} has "
            "others",
            "name the .cell file instead of the model",
        )
    said = model_metadata(source)
    if DETECTOR_MEMBER in said:
        raise cell_error(
            "NAS802",
            f"{os.fspath(source)!r} holds a detector, and not the weights of its network alone",
            "`nasdsl detect` finds objects with it, and `nasdsl eval RUN` evaluates its run",
            "in Python, `nasdsl.detection.read_detector` reads it",
        )
    passes = said.get(PASSES_MEMBER)
    return Trained(
        WeightsFile(source, "native"),
        said.get(DROP_PATH_MEMBER),
        None if passes is None else tuple(passes.split(",")),
    )
