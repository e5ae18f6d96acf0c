"""`PublishedModel`: a network, and what is known of how it came to be.

Purpose: one thing to write a card and a configuration from, whether a network, a model file or
the folder of a run was given.
Non-goals: the files themselves (`card`, `configuration`, `mixin`).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nasdsl.errors import cell_error
from nasdsl.language.parser.read import is_model
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.self_contained import network_text
from nasdsl.train.comparison import compared_run
from nasdsl.train.results import Evaluation
from nasdsl.train.run_folder import MODEL, Job, RunFolder, recorded_results

if TYPE_CHECKING:
    from torch.nn import Module

    from nasdsl.train.data.preparation import Preparation


class PublishedModel(NamedTuple):
    """What is published.

    Attributes:
        network: what `nasdsl.compile` made, with its weights.
        job: what trained it, where a run did.
        epochs: it was trained for, where a run did.
        evaluations: how good it is, by the images' part of the data: `held_out`, `test`.
    """

    network: "Module"
    job: Job | None = None
    epochs: int = 0
    evaluations: dict[str, Evaluation] = {}  # noqa: RUF012 (never changed)

    @property
    def graph(self) -> NetworkGraph:
        """The network's graph."""
        return cast("NetworkGraph", self.network.graph)

    @property
    def text(self) -> str:
        """The `.cell` text, with every setting."""
        return network_text(self.graph)

    @property
    def preparation(self) -> "Preparation | None":
        """How images are prepared for it, where that is known."""
        from nasdsl.train.data.preparation import read_preparation

        said: Any = getattr(self.network, "image_metadata", None)
        return None if said is None else read_preparation(said, self.graph.name)


def require_publishable(model: object) -> None:
    """Refuse at once what cannot be published; nothing heavy is imported.

    Raises:
        CellError: NAS001, NAS008, NAS802, NAS842 and NAS843, as `published_model` does.
    """
    if not isinstance(model, str | os.PathLike):
        if isinstance(getattr(model, "graph", None), NetworkGraph):
            return
        kind = type(model).__name__
        raise cell_error("NAS008", f"a compiled network is published, not a {kind}")
    path = Path(model)
    if not path.exists():
        raise cell_error("NAS001", f"no such file: {os.fspath(model)!r}")
    if path.is_dir():
        folder = RunFolder(path)
        folder.job()
        if not (folder / MODEL).is_file():
            raise cell_error(
                "NAS842",
                f"the run in {os.fspath(model)!r} has no model yet",
                f"`nasdsl train --resume {path}` continues it",
            )
    elif not is_model(path):
        raise cell_error(
            "NAS802",
            f"{os.fspath(model)!r} is neither a run nor a model file",
            "`nasdsl compile FILE --weights WEIGHTS -o model.safetensors` writes one",
        )


def published_model(model: "Module | str | os.PathLike[str]") -> PublishedModel:
    """What is known of a model.

    Args:
        model: a network from `nasdsl.compile`, a `.safetensors` file that nasdsl has written, or
            the folder of a finished run, which also says how it was trained and how good it is.

    Raises:
        CellError: NAS001, there is no such file; NAS008, it is something else; NAS842, the run is
            not done; NAS802 and NAS843, its files are damaged.
    """
    require_publishable(model)
    if not isinstance(model, str | os.PathLike):
        return PublishedModel(getattr(model, "_orig_mod", model))
    from nasdsl.api.compile import compile

    path = Path(model)
    if not path.is_dir():
        return PublishedModel(compile(path))
    folder, run = RunFolder(path), compared_run(path)
    evaluations = recorded_results(folder)
    if not evaluations and run.history and run.history[-1].held_out is not None:
        # A run of a version that did not record its results.
        evaluations = {"held_out": run.history[-1].held_out}
    return PublishedModel(compile(folder / MODEL), folder.job(), len(run.history), evaluations)
