"""Evaluating what a training left: a run, a model file, or weights of a network.

Purpose: from a path to a network with its weights, and how well it does on a data set.
Non-goals: the evaluation itself (`nasdsl.train.evaluation`).
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nasdsl import runtimes
from nasdsl.api.compile import compile
from nasdsl.api.optimize import optimize
from nasdsl.api.request import source_network
from nasdsl.api.trained import WeightsFile, trained_part
from nasdsl.errors import cell_error, listed
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.parser.read import is_model
from nasdsl.loading import NameOrPath, refuse_exports
from nasdsl.train.data.datasets import datasets
from nasdsl.train.data_sets import DATA_SETS
from nasdsl.train.planning import recorded_data
from nasdsl.train.recipe_file import recipe_at
from nasdsl.train.results import Evaluation
from nasdsl.train.run_folder import MODEL, NETWORK, Job, RunFolder
from nasdsl.values import Count, CountOrNone, Threads, typed
from nasdsl.weights.files import require_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nasdsl.train.checkpoint import LoadedCheckpoint, TrainingState
    from nasdsl.train.data import Images, Splits

#: What weights are evaluated on and how images are prepared, where neither is said.
_DATA, _RECIPE = "digits", "quick"


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """How well a model does, and on what.

    Attributes:
        network: the network's name.
        data: as `nasdsl.train.datasets` takes it.
        split: `test`, `held_out` or `train`.
        evaluation: loss and accuracies.
        step: of the checkpoint that was evaluated, where the run is not finished.
        epochs: complete ones at that step.
        runtime: the one that was asked for, and its data type, in words; empty for none.
        in_runtime: how well it does there; `evaluation` is PyTorch's.
    """

    network: str
    data: str
    split: str
    evaluation: Evaluation
    step: int | None = None
    epochs: int | None = None
    runtime: str = ""
    in_runtime: Evaluation | None = None


@typed
def evaluate_model(
    path: str | os.PathLike[str],
    *,
    data: str | None = None,
    recipe: str | None = None,
    split: Literal["test", "held_out", "train"] | None = None,
    network: NameOrPath | Genotype | None = None,
    download: bool = False,
    batch: Count = 128,
    workers: CountOrNone = 0,
    device: str | None = None,
    runtime: str | None = None,
    dtype: str | None = None,
    threads: Threads | None = None,
) -> ModelEvaluation:
    """How well a run, a model file, or weights of a network do on a data set.

    Args:
        path: the folder of a run, which is evaluated with its final model, or its newest
            checkpoint while it is not done; or a file of weights.
        data: by default what the run was trained on; `digits` for weights.
        recipe: says how images are prepared; by default the run's, `quick` for weights.
        split: by default `test`, or `held_out` where there are no test images.
        network: whose weights they are, where the file does not say.
        download: fetch the data where they are missing.
        batch: images evaluated at once.
        workers: processes that load images.
        device: in PyTorch's words; by default an accelerator where there is one.
        runtime: an installed runtime in which the network is evaluated as well, optimised.
        dtype: what the runtime computes in; for `int8` it is calibrated with images of the
            training set.
        threads: of the processor, for the runtime.

    Raises:
        CellError: NAS842 and NAS843 for a run; NAS801 for a network beside a run; what
            `nasdsl.weights.load` raises for weights; NAS844 where the network does not fit the
            data; NAS847 where the data have no such part; what the data are refused for;
            what `nasdsl.optimize` raises for a runtime; NAS008, `dtype` or `threads` without one.
    """
    # What is misspelt is refused before PyTorch is imported, which takes seconds.
    folder = RunFolder(path)
    job = folder.job() if folder.path.is_dir() else None
    prepared = recipe_at(recipe) if recipe else (job.recipe if job else recipe_at(_RECIPE))
    if data is not None:
        DATA_SETS.require(data.partition(":")[0])
    require_model(path, network)
    if runtime is not None:
        _require_runtime(runtime, dtype)
    elif dtype is not None or threads is not None:
        name = "threads" if dtype is None else "dtype"
        raise cell_error(
            "NAS008", f"`{name}` is for a runtime, and none is asked for", "name one by `runtime`"
        )
    if data is None and job is not None:
        splits = recorded_data(folder, replace(job, recipe=prepared), download=download)
    else:
        splits = datasets(data or _DATA, prepared, download=download)
    from nasdsl.train.evaluation import evaluate, graph_matching
    from nasdsl.train.training import accelerator_for

    loaded = None if job is None else _newest_checkpoint(folder)
    if job is None:
        net = _network_of_weights(path, network)
    else:
        net = _network_of_run(folder, job, loaded)
    graph = graph_matching(net, splits, trained=True)
    name, images = _part(splits, split)
    accelerator = accelerator_for(device, "fp32")  # `evaluate` takes the other precision
    found = evaluate(
        net.to(accelerator.device),
        images,
        batch=batch,
        workers=workers,
        precision=prepared.precision,
    )
    in_runtime, where = None, ""
    if runtime is not None:
        where = f"{runtime}, {dtype}" if dtype else runtime
        calibration = _calibration(splits) if dtype == "int8" else None
        call = optimize(
            net.to("cpu").eval(),
            runtime=runtime,
            threads=threads,
            dtype=dtype,
            calibration=calibration,
        )
        in_runtime = evaluate(net, images, batch=batch, workers=workers, logits_of=call)
    if loaded is None:
        return ModelEvaluation(
            graph.name, splits.name, name, found, runtime=where, in_runtime=in_runtime
        )
    from nasdsl.train.checkpoint import state_errors

    with state_errors(loaded.path):
        step, epochs = int(loaded.state["step"]), len(loaded.state["history"])
    return ModelEvaluation(graph.name, splits.name, name, found, step, epochs, where, in_runtime)


def _require_runtime(name: str, dtype: str | None) -> None:
    """Refuse a runtime, or what it cannot compute in, before the network is evaluated without it.

    Raises:
        CellError: as `nasdsl.runtimes.load` does.
    """
    found = runtimes.find(name)
    can = (*found.dtypes, *(("int8",) if found.load_quantized else ()))
    if dtype is not None and dtype not in can:
        raise cell_error(
            "NAS732", f"runtime `{name}` computes in {listed(can)}, not in `{dtype:.40}`"
        )


#: Images that a network is calibrated with; more change little.
_CALIBRATION = 128


def _calibration(splits: "Splits") -> "Tensor":
    """Images of the training set as they are evaluated, (B, C, H, W)."""
    import torch

    _, images = _part(splits, "train")
    step = max(len(images) // _CALIBRATION, 1)
    chosen = range(0, min(len(images), step * _CALIBRATION), step)
    return torch.stack([images[index][0] for index in chosen])


def require_model(
    path: str | os.PathLike[str], network: NameOrPath | Genotype | None = None
) -> None:
    """Refuse what is neither a run nor weights of a network, as far as that is known at once.

    Args:
        path: as `evaluate_model` takes it.
        network: whose weights they are.

    Raises:
        CellError: as `evaluate_model` does for them.
    """
    folder = RunFolder(path)
    if folder.path.is_dir():
        folder.job()
        if network is not None:
            raise cell_error(
                "NAS801",
                f"the run in {str(folder.path)!r} has its own network",
                "leave `--network` out; it is for weights that do not say theirs",
            )
    elif network is not None:
        trained_part(network, WeightsFile(path))  # refuses a model file, which has its own
        source_network(network)
    elif Path(path).exists() and not is_model(path):
        refuse_exports(os.fspath(path))
        require_weights(Path(path))
        raise cell_error(
            "NAS802",
            f"{os.fspath(path)!r} does not say which network its weights belong to",
            "`--network FILE` does",
        )
    else:
        source_network(path)
        trained_part(path)  # refuses a detector


def network_of(
    path: str | os.PathLike[str], network: NameOrPath | Genotype | None = None
) -> "nn.Module":
    """The network of a run or of a file of weights, for which `require_model` was called.

    Raises:
        CellError: as `evaluate_model` does for them.
    """
    folder = RunFolder(path)
    if not folder.path.is_dir():
        return _network_of_weights(path, network)
    return _network_of_run(folder, folder.job(), _newest_checkpoint(folder))


def _network_of_run(folder: RunFolder, job: Job, loaded: "LoadedCheckpoint | None") -> "nn.Module":
    if loaded is not None:
        from nasdsl.train.checkpoint import state_errors

        with state_errors(loaded.path):
            return _network_of_checkpoint(folder, job, loaded.state)
    net: nn.Module = compile(folder / MODEL)
    return net


def _newest_checkpoint(folder: RunFolder) -> "LoadedCheckpoint | None":
    """The newest checkpoint of a run that has no model yet; None where it has one.

    Raises:
        CellError: NAS842, there is no checkpoint either, or none can be read.
    """
    if (folder / MODEL).is_file():
        return None
    found = folder.checkpoints.newest()
    if found is None:
        raise cell_error(
            "NAS842",
            f"the run in {str(folder.path)!r} has no checkpoint yet",
            f"to continue it, run `nasdsl train --resume {folder.path}`",
        )
    return found


def _network_of_checkpoint(folder: RunFolder, job: Job, state: "TrainingState") -> "nn.Module":
    """What a checkpoint of a run would be evaluated with."""
    from nasdsl.train.ema import WeightAverage

    net: nn.Module = compile(folder / NETWORK)
    net.load_state_dict(state["net"])
    if state["average"] is not None:
        average = WeightAverage(net, job.recipe.ema)
        average.load_state_dict(state["average"])
        average.copy_to(net)
    return net


def _network_of_weights(
    path: str | os.PathLike[str], network: NameOrPath | Genotype | None
) -> "nn.Module":
    net: nn.Module = compile(path if network is None else network)
    if network is not None:
        WeightsFile(path).load_into(net)
    return net


def _part(splits: "Splits", wanted: str | None) -> "tuple[str, Images]":
    for name in (wanted,) if wanted else ("test", "held_out"):
        images: Images | None = getattr(splits, name)
        if images is not None and len(images):
            return name, images
    raise cell_error("NAS847", f"{splits.name!r} has no {wanted or 'test'} images")
