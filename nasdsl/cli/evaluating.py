"""What `nasdsl eval` does once PyTorch is there.

Purpose: from a run or a file of weights to a network, and its evaluation.
Non-goals: flags and printing (`nasdsl.cli.eval`).
"""

from pathlib import Path
from typing import NamedTuple

from torch import nn

from nasdsl import weights
from nasdsl.api.compile import compile
from nasdsl.errors import cell_error
from nasdsl.language.parser.read import is_model
from nasdsl.loading import loads
from nasdsl.train.data import Images, Splits, datasets
from nasdsl.train.ema import WeightAverage
from nasdsl.train.evaluation import evaluate, graph_matching
from nasdsl.train.recipe_file import recipe_at
from nasdsl.train.results import Evaluation
from nasdsl.train.run_folder import MODEL, Job, RunFolder
from nasdsl.train.training import accelerator_for


class Request(NamedTuple):
    """See the flags of `nasdsl eval`."""

    what: str
    data: str | None
    recipe: str | None
    split: str | None
    network: str | None
    download: bool
    batch: int
    workers: int
    device: str | None


class Evaluated(NamedTuple):
    """An evaluation, and of what."""

    network: str
    data: str
    split: str
    evaluation: Evaluation


def evaluated(request: Request) -> Evaluated:
    """The evaluation.

    Raises:
        CellError: NAS843 and NAS842 for a run, what `nasdsl.weights.load` raises for weights,
            NAS844 where they do not fit the data, what the data are refused for.
    """
    folder = RunFolder(request.what)
    job = folder.job() if Path(request.what).is_dir() else None
    net = _weights_network(request) if job is None else _run_network(folder, job)
    chosen = recipe_at(request.recipe) if request.recipe else None
    recipe = chosen or (job.recipe if job else recipe_at("quick"))
    spec = request.data or (job.data if job else "digits")
    splits = datasets(spec, recipe, download=request.download)
    graph = graph_matching(net, splits)
    split, images = _part(splits, request.split)
    accelerator = accelerator_for(request.device, recipe.precision)
    found = evaluate(
        net.to(accelerator.device),
        images,
        batch=request.batch,
        workers=request.workers,
        precision=recipe.precision,
    )
    return Evaluated(graph.name, spec, split, found)


def _run_network(folder: RunFolder, job: Job) -> nn.Module:
    """The trained network of a run, or what its newest checkpoint would be evaluated with."""
    if (folder / MODEL).is_file():
        model: nn.Module = compile(folder / MODEL)
        return model
    found = folder.checkpoints.newest()
    if found is None:
        raise cell_error(
            "NAS842",
            f"the run in {str(folder.path)!r} has no checkpoint yet",
            f"`nasdsl train --resume {folder.path}` goes on with it",
        )
    net: nn.Module = compile(loads(job.network), seed=job.seed)
    net.load_state_dict(found.state["net"])
    if found.state["average"] is not None:
        average = WeightAverage(net, job.recipe.ema)
        average.load_state_dict(found.state["average"])
        average.copy_to(net)
    return net


def _weights_network(request: Request) -> nn.Module:
    if request.network is None:
        if Path(request.what).exists() and not is_model(request.what):
            raise cell_error(
                "NAS802",
                f"{request.what!r} does not say which network its weights belong to",
                "`--network FILE` does",
            )
        model: nn.Module = compile(request.what)
        return model
    net: nn.Module = compile(request.network)
    weights.load(net, request.what)
    return net


def _part(splits: Splits, wanted: str | None) -> tuple[str, Images]:
    for name in (wanted,) if wanted else ("test", "held_out"):
        images: Images | None = getattr(splits, name)
        if images is not None and len(images):
            return name, images
    raise cell_error("NAS847", f"{splits.name!r} has no {wanted or 'test'} images")
