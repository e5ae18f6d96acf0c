"""`evaluate`: loss and accuracy of a network on images it is not trained on.

Each image counts once, on one device or on several. `graph_matching` compares a network with
the data before any time is spent.
"""

from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from nasdsl.errors import CellError, Diagnostic, cell_error
from nasdsl.network.graph import NetworkGraph
from nasdsl.train.batches import Reported, collated, readable
from nasdsl.train.recipe import Precision
from nasdsl.train.results import Evaluation
from nasdsl.values import Count, CountOrNone, require_types, typed

if TYPE_CHECKING:
    from accelerate import Accelerator

    from nasdsl.train.data import Splits


#: What to do about a trained network that is for other images.
_OTHER_DATA = "take data like those that it was trained on"
_OTHER_RECIPE = "take the recipe of its training, or one with the network's image_size"


def graph_matching(net: nn.Module, data: "Splits", *, trained: bool = False) -> NetworkGraph:
    """The graph of a network, if it is made for such images.

    Args:
        net: the network.
        data: what has to be like the images that it takes.
        trained: whether it is done, so that the data have to change and not the network.

    Raises:
        CellError: NAS844, with everything that differs; NAS008, the module was not made by
            `nasdsl.compile`.
    """
    graph = getattr(net, "graph", None)
    if not isinstance(graph, NetworkGraph):
        kind = type(net).__name__
        raise cell_error("NAS008", f"only compiled networks can be trained, not a {kind}")
    wanted = graph.configuration
    findings = [
        Diagnostic(
            "NAS844",
            f"`{graph.name}` has {setting} = {ours}, and the data `{data.name}` have {theirs}",
            hints=(way_out if trained else f"compile it with {setting}={theirs}",),
        )
        for setting, ours, theirs, way_out in (
            ("classes", wanted.classes, data.classes, _OTHER_DATA),
            ("input_channels", wanted.input_channels, data.channels, _OTHER_DATA),
            ("image_size", wanted.image_size, data.image_size, _OTHER_RECIPE),
        )
        if ours != theirs
    ]
    if findings:
        raise CellError(tuple(findings))
    return graph


#: Classes that count as hits of `accuracy_top5`.
_TOP = 5


@typed
def evaluate(
    net: nn.Module,
    images: Any,
    *,
    batch: Count = 128,
    workers: CountOrNone = 0,
    precision: Precision = "fp32",
    accelerator: "Accelerator | None" = None,
    confusion: Tensor | None = None,
    logits_of: Callable[[Tensor], Tensor] | None = None,
) -> Evaluation:
    """The network's loss and accuracy on a data set.

    Args:
        net: returns logits (B, classes) in evaluation mode; its mode is restored afterwards.
        images: a data set of pairs, an image (C, H, W) and a class.
        batch: images at a time; it does not change the result beyond rounding.
        workers: processes that load images.
        precision: `fp32`; `bf16` or, on CUDA, `fp16` for automatic mixed precision.
        accelerator: for several processes that share the work; each has to call this.
        confusion: (classes, classes) integers on the CPU, to which is added how many images of
            a class (row) have the highest logit for a class (column).
        logits_of: computes the logits in place of the network: a runtime.

    Raises:
        ValueError: there are no images.
    """
    require_types(images=(images, Sized))
    if accelerator is not None:
        # Imported here because a single process needs none.
        from accelerate import Accelerator

        require_types(accelerator=(accelerator, Accelerator))
    if not len(images):
        raise ValueError("there are no images to evaluate on")
    device = next(net.parameters()).device
    start = perf_counter()
    sums = torch.zeros(3, dtype=torch.float64)
    taken_for = None if confusion is None else torch.zeros_like(confusion)
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad(), _autocast(device, precision):
            for pixels, labels in _batches(images, batch, workers, accelerator):
                pixels, labels = pixels.to(device), labels.to(device)
                logits = (logits_of or net)(pixels).float()
                sums += _sums(logits, labels).to("cpu", torch.float64)
                if taken_for is not None:
                    taken_for += _confusion(logits, labels, len(taken_for))
    finally:
        net.train(was_training)
    if accelerator is not None and accelerator.num_processes > 1:
        sums = accelerator.reduce(sums.to(device), "sum").cpu()
        if taken_for is not None:
            taken_for = accelerator.reduce(taken_for.to(device), "sum").cpu()
    if confusion is not None and taken_for is not None:
        confusion += taken_for
    loss, hits, hits_top5 = (sums / len(images)).tolist()
    return Evaluation(loss, hits, hits_top5, len(images), perf_counter() - start)


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, hits, and hits among the five highest, each summed; (3,)."""
    top = logits.topk(min(_TOP, logits.shape[1]), dim=1).indices == labels[:, None]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([loss, top[:, 0].sum().to(loss), top.sum().to(loss)])


def _confusion(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Images by class and by the class with the highest logit, (classes, classes)."""
    cells = (labels * classes + logits.argmax(1)).cpu()
    return torch.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _batches(
    images: Any, batch: int, workers: int, accelerator: "Accelerator | None"
) -> Iterator[Any]:
    """This process's share of the images, in order, each once over all processes."""
    if accelerator is not None and accelerator.num_processes > 1:
        share = range(accelerator.process_index, len(images), accelerator.num_processes)
        images = Subset(images, share)
    if not len(images):
        return
    yield from readable(
        DataLoader(Reported(images), batch, num_workers=workers, collate_fn=collated)
    )


def _autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    if precision == "fp32" or (precision == "fp16" and device.type != "cuda"):
        # A network that was trained in float16 is evaluated in float32 elsewhere.
        return nullcontext()
    return torch.autocast(device.type, torch.float16 if precision == "fp16" else torch.bfloat16)
