"""`Training`: the state of a training between two steps, and how a step is taken.

Accelerate places the network, distributes it over processes and runs it in mixed precision; how
a batch is divided and where randomness comes from is decided here, because both affect the
result. When to evaluate, save or stop is decided in `nasdsl.train.loop`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.utils.data import DataLoader

from nasdsl.errors import cell_error
from nasdsl.network.cost import graph_cost
from nasdsl.network.graph import NetworkGraph
from nasdsl.train.batches import EpochBatches, SeededImages, seed_of, seed_torch
from nasdsl.train.ema import Average
from nasdsl.train.execution import Execution
from nasdsl.train.optimizer import learning_rate, optimizer_for
from nasdsl.train.recipe import Recipe


class Training:
    """A network, its optimizer and averages, and how far they are.

    Args:
        net: what `nasdsl.compile` returned; it is trained in place.
        images: the training set.
        recipe: what to do.
        seed: of all that is drawn.
        execution: how.

    Attributes:
        step: optimizer steps taken.
        sums: loss, right answers and images of the present epoch, (3,).
    """

    def __init__(
        self, net: nn.Module, images: Any, recipe: Recipe, seed: int, execution: Execution
    ) -> None:
        self.recipe, self.seed, self.execution = recipe, seed, execution
        unread = any(module.body.unread for module in net.graph.modules)  # type: ignore[union-attr]
        self.accelerator = accelerator_for(execution.device, recipe.precision, unread)
        self.batches = self._cut(len(images))
        self.loader = DataLoader(
            SeededImages(images),
            batch_sampler=self.batches,
            num_workers=execution.workers,
            persistent_workers=execution.workers > 0,
            pin_memory=self.device.type == "cuda",
        )
        layout = torch.channels_last if execution.channels_last else torch.preserve_format
        self.layout = layout
        self.net: Any = net.to(self.device).to(memory_format=layout).train()
        self.optimizer = optimizer_for(self.net, recipe)
        self.average = Average(self.net, recipe.ema) if recipe.ema else None
        if execution.compile:
            self.net.compile()
        self.model = self.accelerator.prepare_model(self.net)
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.step = 0
        self.reset_sums()

    def _cut(self, count: int) -> EpochBatches:
        processes, accumulation = self.accelerator.num_processes, self.execution.accumulation
        batch, parts = min(self.recipe.batch, count), processes * accumulation
        if batch % parts or not batch:
            raise cell_error(
                "NAS845",
                f"a batch of {batch} images cannot be cut into {parts} equal parts "
                f"({processes} processes, {accumulation} accumulation steps)",
                f"`--set batch={max(batch // parts, 1) * parts}` can",
            )
        return EpochBatches(
            count, batch, self.seed, self.accelerator.process_index, processes, accumulation
        )

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return self.batches.steps

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.steps_per_epoch * self.recipe.epochs

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def keep(self) -> float:
        """Probability that ScheduledDropPath keeps a path of the last cell now."""
        rate: float = self.net.graph.configuration.drop_path
        return 1 - rate * self.step / self.steps

    # -- a step -------------------------------------------------------------------------

    def take_step(self, parts: Sequence[tuple[Tensor, Tensor]]) -> None:
        """One optimizer step on this process's parts of a batch: images and labels each."""
        rate = learning_rate(self.recipe, self.step, self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.set_progress(self.step / self.steps)
        for number, (images, labels) in zip(self.batches.mine, parts, strict=True):
            seed_torch(seed_of(self.seed, "forward", self.step, number), self.device)
            is_last = number == self.batches.mine[-1]
            with self._gradients_shared(is_last):
                self._run_part(images, labels)
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.net)
        self.step += 1

    def _run_part(self, images: Tensor, labels: Tensor) -> None:
        images = images.to(self.device, non_blocking=True, memory_format=self.layout)
        labels = labels.to(self.device, non_blocking=True)
        loss, logits = objective(
            self.model(images), labels, self.recipe.label_smoothing, self.recipe.auxiliary_weight
        )
        self.accelerator.backward(loss / self.execution.accumulation)
        with torch.no_grad():
            count = len(labels)
            hits = (logits.argmax(1) == labels).sum()
            self.sums += torch.stack([loss * count, hits, torch.full_like(loss, count)])

    def _gradients_shared(self, is_last: bool) -> AbstractContextManager[Any]:
        """Processes exchange gradients with the last part of a step only."""
        return nullcontext() if is_last else self.accelerator.no_sync(self.model)

    # -- sums ---------------------------------------------------------------------------

    def reset_sums(self) -> None:
        """An epoch begins."""
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        self.sums = torch.zeros(3, dtype=wide, device=self.device)

    def means(self) -> tuple[float, float]:
        """Loss and accuracy since the epoch began, over all processes; waits for the device."""
        loss, hits, images = self._shared_sums().tolist()
        return loss / images, hits / images

    def _shared_sums(self) -> Tensor:
        if self.accelerator.num_processes == 1:
            return self.sums
        total: Tensor = self.accelerator.reduce(self.sums.clone(), "sum")
        return total

    def agreed(self, *wishes: bool) -> tuple[bool, ...]:
        """What any process wishes, all do; each of them has to ask at the same step."""
        if self.accelerator.num_processes == 1:
            return wishes
        asked = torch.tensor(wishes, dtype=torch.float32, device=self.device)
        return tuple(wish > 0 for wish in self.accelerator.reduce(asked, "sum").tolist())

    # -- state --------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that another `Training` of the same recipe and seed needs to go on from here."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "sums": self._shared_sums(),
        }

    def load(self, step: int, state: dict[str, Any]) -> None:
        """Go on from a state. Whether it is of this network has to be known."""
        self.step = step
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.reset_sums()
        if self.accelerator.is_main_process:
            self.sums += state["sums"].to(self.sums)

    def is_finite(self) -> bool:
        """Whether all parameters and moving statistics are finite; waits for the device."""
        tensors = [t for t in self.net.state_dict().values() if t.is_floating_point()]
        norms = torch._foreach_norm(tensors)
        return bool(torch.stack([norm.to(torch.float32) for norm in norms]).isfinite().all())


def accelerator_for(device: str | None, precision: str, unread: bool = False) -> Accelerator:
    """The processes and the device, as torchrun or Accelerate launched them.

    Args:
        device: a kind of device; None takes what Accelerate finds best.
        precision: `fp32` or `bf16`.
        unread: whether the network has parameters that no result depends on, which processes
            would wait for.

    Raises:
        CellError: NAS707, there is no such device.
    """
    # The precision is state of the process to Accelerate, and an earlier training may have
    # set another. The processes' group stays as it is.
    AcceleratorState._reset_state()
    mixed = "bf16" if precision == "bf16" else "no"
    parallel = DistributedDataParallelKwargs(find_unused_parameters=unread)
    found = Accelerator(cpu=device == "cpu", mixed_precision=mixed, kwargs_handlers=[parallel])
    if device is not None and found.device.type != device:
        raise cell_error(
            "NAS707",
            f"the device {device!r:.40} cannot be used",
            f"training would run on `{found.device.type}`; which one of several is chosen by "
            "the launcher, or by CUDA_VISIBLE_DEVICES",
        )
    return found


def objective(
    outputs: Tensor | tuple[Tensor, Tensor],
    labels: Tensor,
    label_smoothing: float,
    auxiliary_weight: float,
) -> tuple[Tensor, Tensor]:
    """The loss, a scalar in nats, and the logits it is about, (B, classes).

    Args:
        outputs: logits, or logits and those of the auxiliary classifier.
        labels: (B,).
        label_smoothing: share of a label that is spread over all classes, 0 to 1.
        auxiliary_weight: of the auxiliary classifier's loss.
    """
    if isinstance(outputs, Tensor):
        return F.cross_entropy(outputs, labels, label_smoothing=label_smoothing), outputs
    logits, auxiliary = outputs
    loss = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    extra = F.cross_entropy(auxiliary, labels, label_smoothing=label_smoothing)
    return loss + auxiliary_weight * extra, logits


#: Mult-adds of a layer's forward pass below which a core alone is as fast: some 100 microseconds.
_WORTH_SHARING = 500_000


def threads_for(graph: NetworkGraph, images: int) -> int:
    """Threads for a network that is trained on `images` at a time.

    It depends on nothing but these and the machine, so a run that goes on takes the same
    number, and sums in the same order.
    """
    layers = sum(
        node.primitive in ("conv", "depthwise", "linear")
        for module in graph.modules
        for node in module.body.nodes
    )
    share = graph_cost(graph).mult_adds * images / max(layers, 1)
    return torch.get_num_threads() if share >= _WORTH_SHARING else 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use `count` threads while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
