"""`Training`: the state of a training between two steps, and how a step is taken.

Accelerate places the network, distributes it over processes and runs it in mixed precision; how
a batch is divided and where randomness comes from is decided here, because both affect the
result. When to evaluate, save or stop is decided in `nasdsl.train.loop`.
"""

from collections.abc import Iterable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.utils.data import DataLoader

from nasdsl.errors import cell_error, plural
from nasdsl.train.batches import EpochBatches, Reported, SeededImages, collated, seed_of, seed_torch
from nasdsl.train.ema import WeightAverage
from nasdsl.train.execution import Execution, require_precision, require_recordable
from nasdsl.train.optimizer import add_decay, decays_before_clip, learning_rate, optimizer_for
from nasdsl.train.recipe import Recipe
from nasdsl.train.recorded import RecordedPass
from nasdsl.train.resident import ResidentBatches, are_kept


class Training:
    """A network, its optimizer and averages, and how far the training has come.

    Args:
        net: what `nasdsl.compile` returned; it is trained in place.
        images: the training set.
        recipe: how it is trained.
        seed: of all random numbers.
        execution: how it runs on this machine.

    Attributes:
        step: optimizer steps taken.
        sums: loss, correct answers and images of the present epoch, (3,).
    """

    def __init__(
        self, net: nn.Module, images: Any, recipe: Recipe, seed: int, execution: Execution
    ) -> None:
        self.recipe, self.seed, self.execution = recipe, seed, execution
        self.accelerator = accelerator_for(execution.device, recipe.precision)
        self.batches = self._divide(len(images))
        self.loader = self._loader(images)
        layout = torch.channels_last if execution.channels_last else torch.preserve_format
        self.layout = layout
        self.net: Any = net.to(self.device).to(memory_format=layout).train()
        self.optimizer = optimizer_for(self.net, recipe)
        self.average = WeightAverage(self.net, recipe.ema) if recipe.ema else None
        if execution.compile:
            self.net.compile()
        self._own_forward = vars(self.net).get("forward")
        self.model = self.accelerator.prepare_model(self.net)
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.step = 0
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        self.sums = torch.zeros(3, dtype=wide, device=self.device)
        self.recorded: RecordedPass | None = None
        if execution.cuda_graph:
            require_recordable(self.device.type, self.batches.batch // self.batches.part)
            self.recorded = RecordedPass(self._add_gradients, self.device)

    def _loader(self, images: Any) -> Iterable[Any]:
        """The parts of this process's batches, or errors in their place."""
        if are_kept(images):
            return ResidentBatches(images, self.batches, self.device)
        workers = self.execution.workers
        return DataLoader(
            Reported(SeededImages(images)),
            batch_sampler=self.batches,
            collate_fn=collated,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
        )

    def _divide(self, count: int) -> EpochBatches:
        processes, accumulation = self.accelerator.num_processes, self.execution.accumulation
        batch, parts = min(self.recipe.batch, count), processes * accumulation
        if batch < parts:
            raise cell_error(
                "NAS845",
                f"a batch of {plural(batch, 'image')} cannot be divided into {parts} parts "
                f"({plural(processes, 'process')}, {plural(accumulation, 'accumulation step')})",
                f"there are {plural(count, 'image')} to train on"
                if count < parts
                else f"use `--set batch={parts}`",
            )
        if batch % parts:
            raise cell_error(
                "NAS845",
                f"a batch of {plural(batch, 'image')} cannot be divided into {parts} equal parts "
                f"({plural(processes, 'process')}, {plural(accumulation, 'accumulation step')})",
                f"use `--set batch={batch // parts * parts}`",
            )
        return EpochBatches(
            count, batch, self.seed, self.accelerator.process_index, processes, accumulation
        )

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps an epoch."""
        return self.batches.steps

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.steps_per_epoch * self.recipe.epochs

    @property
    def evaluated_net(self) -> Any:
        """The network that is evaluated and saved in the end: with averages, if there are any."""
        return self.net if self.average is None else self.average.net

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def keep(self) -> float:
        """Probability that ScheduledDropPath now keeps a path of the last cell."""
        rate: float = self.net.graph.configuration.drop_path
        return 1 - rate * self.step / self.steps

    def release(self) -> None:
        """Undo what Accelerate did to the network, which would continue to compute in bf16."""
        members = vars(self.net)
        for name in ("forward", "_original_forward"):
            members.pop(name, None)
        if self._own_forward is not None:
            self.net.forward = self._own_forward

    # -- a step -------------------------------------------------------------------------

    def take_step(self, parts: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Take an optimizer step on this process's parts of a batch, each images and labels."""
        rate = learning_rate(self.recipe, self.step, self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.set_progress(self.step / self.steps)
        for number, (images, labels) in zip(self.batches.own_parts, parts, strict=True):
            seed_torch(seed_of(self.seed, "forward", self.step, number), self.device)
            is_last = number == self.batches.own_parts[-1]
            images = images.to(self.device, non_blocking=True, memory_format=self.layout)
            labels = labels.to(self.device, non_blocking=True)
            with self._gradient_exchange(is_last):
                (self.recorded or self._add_gradients)(images, labels)
        scaler = self.accelerator.scaler
        if scaler is not None:
            # What decays and is clipped are the gradients of the loss itself.
            scaler.unscale_(self.optimizer)
        if decays_before_clip(self.recipe):
            add_decay(self.parameters, self.recipe.weight_decay)
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        if scaler is None:
            self.optimizer.step()
        else:
            # No step is taken where a gradient is not finite; the next loss is scaled less.
            scaler.step(self.optimizer)
            scaler.update()
        if self.recorded is None or not self.recorded.is_recorded:
            self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.net)
        self.step += 1

    def _add_gradients(self, images: Tensor, labels: Tensor) -> None:
        loss, logits = training_loss(
            self.model(images), labels, self.recipe.label_smoothing, self.recipe.auxiliary_weight
        )
        self.accelerator.backward(loss / self.execution.accumulation)
        with torch.no_grad():
            count = len(labels)
            hits = (logits.argmax(1) == labels).sum()
            self.sums += torch.stack([loss * count, hits, torch.full_like(loss, count)])

    def _gradient_exchange(self, is_last: bool) -> AbstractContextManager[Any]:
        """Let processes exchange gradients only with the last part of a step."""
        return nullcontext() if is_last else self.accelerator.no_sync(self.model)

    # -- sums ---------------------------------------------------------------------------

    def reset_sums(self) -> None:
        """Start the sums of a new epoch."""
        self.sums.zero_()

    def means(self) -> tuple[float, float]:
        """Loss and accuracy since the epoch started, over all processes; waits for the device."""
        loss, hits, images = self._global_sums().tolist()
        return loss / images, hits / images

    def _global_sums(self) -> Tensor:
        if self.accelerator.num_processes == 1:
            return self.sums
        total: Tensor = self.accelerator.reduce(self.sums.clone(), "sum")
        return total

    def any_process(self, *wishes: bool) -> tuple[bool, ...]:
        """For each wish, whether any process has it; all have to call this at the same step."""
        if self.accelerator.num_processes == 1:
            return wishes
        asked = torch.tensor(wishes, dtype=torch.float32, device=self.device)
        return tuple(wish > 0 for wish in self.accelerator.reduce(asked, "sum").tolist())

    # -- state --------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that another `Training` of the same recipe and seed needs to continue."""
        scaler = self.accelerator.scaler
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "sums": self._global_sums(),
            **({"scaler": scaler.state_dict()} if scaler is not None else {}),
        }

    def load(self, step: int, state: dict[str, Any]) -> None:
        """Continue from a state.

        Raises:
            ValueError: it is not one of this training; as PyTorch raises.
        """
        if type(step) is not int or not 0 <= step <= self.steps:
            raise ValueError(f"step {step!r:.40} is not one of {self.steps}")
        self._require_own_optimizer(state["optimizer"])
        self.step = step
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            # Its counters, and the statistics that states of version 0.1.0 do not have.
            self.average.net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.reset_sums()
        if self.accelerator.is_main_process:
            self.sums += state["sums"].to(self.sums)

    def _require_own_optimizer(self, state: dict[str, Any]) -> None:
        """PyTorch takes over any state with as many parameters, and fails in the next step."""
        groups = self.optimizer.state_dict()["param_groups"]
        for saved, own in zip(state["param_groups"], groups, strict=True):
            # Another version of PyTorch has other names. The rate follows from the step.
            for name in (saved.keys() & own.keys()) - {"lr"}:
                if type(saved[name]) is not type(own[name]) or saved[name] != own[name]:
                    raise ValueError(f"{name} of the optimizer is another")
        parameters = [each for group in self.optimizer.param_groups for each in group["params"]]
        names = self._optimizer_names()
        for number, members in state["state"].items():
            if members.keys() != names:
                raise ValueError(f"the optimizer keeps {sorted(members)} of parameter {number}")
            for value in members.values():
                if value is not None and value.shape not in ((), parameters[number].shape):
                    raise ValueError(f"the optimizer's state of parameter {number} has a shape")

    def _optimizer_names(self) -> Set[str]:
        """What the optimizer keeps of each parameter."""
        probe = nn.Parameter(torch.zeros(1))
        probe.grad = torch.zeros(1)
        group = {**self.optimizer.param_groups[0], "params": [probe]}
        make: Any = type(self.optimizer)
        optimizer = make([group], lr=0.1)
        optimizer.step()
        return set(optimizer.state[probe])

    def is_finite(self) -> bool:
        """Whether all weights and moving statistics are finite; waits for the device."""
        tensors = [t for t in self.net.state_dict().values() if t.is_floating_point()]
        norms = torch._foreach_norm(tensors)
        return bool(torch.stack([norm.to(torch.float32) for norm in norms]).isfinite().all())


def accelerator_for(device: str | None, precision: str) -> Accelerator:
    """The processes and the device, as started by torchrun or Accelerate.

    Args:
        device: a kind of device; None for the one that Accelerate prefers.
        precision: `fp32`, `bf16` or `fp16`.

    Raises:
        CellError: NAS707, the device is not available, or not for this precision.
    """
    require_precision(precision, device)
    # Accelerate keeps the precision for the whole process, and an earlier training may have
    # had another. The group of processes stays as it is.
    AcceleratorState._reset_state()
    mixed = "no" if precision == "fp32" else precision
    found = Accelerator(cpu=device == "cpu", mixed_precision=mixed)
    if device is not None and found.device.type != device:
        raise cell_error(
            "NAS707",
            f"the device {device!r:.40} cannot be used",
            f"training would run on `{found.device.type}`; the launcher or CUDA_VISIBLE_DEVICES "
            "chooses one of several devices",
        )
    return found


def training_loss(
    outputs: Tensor | tuple[Tensor, Tensor],
    labels: Tensor,
    label_smoothing: float,
    auxiliary_weight: float,
) -> tuple[Tensor, Tensor]:
    """The loss, a scalar in nats, and the logits of the main classifier, (B, classes).

    Cross-entropy with label smoothing, of both classifiers where there is an auxiliary one.
    Szegedy et al. 2016 (CVPR, sections 4 and 7) have both; slim's released training code
    smooths the labels of the auxiliary classifier too. Weight decay is the optimizer's.

    Args:
        outputs: the logits, or the logits and those of the auxiliary classifier.
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
