"""`train`: the held-out accuracy after a training from scratch, as in the paper.

For example `train?data=digits&recipe=search&N=2&cell_filters=32&epochs=20&device=cpu`: network
settings, `cell_filters`, `device`, `channels_last` and `cuda_graph` by their names; every other
name is a value of the recipe. `channels_last=true` is faster on a CPU, and sums come in another
order with it; `cuda_graph=true` records the training step on a GPU.
The recipe `search` is the paper's for children: 20 epochs, and the reward is the accuracy on
images held out from training (Zoph et al. 2018, appendix A.6).
"""

import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.api.compile import build
from nasdsl.errors import CellError, cell_error, plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.protocol import Family, Report, Score, TrainingPart
from nasdsl.train.data.datasets import datasets
from nasdsl.train.execution import Execution, ensure_installed
from nasdsl.train.planning import network_settings
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, with_changes
from nasdsl.train.results import Epoch
from nasdsl.train.watchers import TrainingPlan, Watcher
from nasdsl.values import Values

if TYPE_CHECKING:
    from nasdsl.train.checkpoint import Checkpoints
    from nasdsl.train.data import Splits

_FLAG = Values(bool)


class TrainingEvaluator:
    """Trains each genotype from scratch.

    Args:
        child: the network around it.
        recipe: how it is trained.
        data: the images; some are held out.
        execution: how it runs on this machine.
    """

    #: Networks that compute the same learn the same, but for the draw of their weights.
    same = "function"

    def __init__(self, child: Child, recipe: Recipe, data: "Splits", execution: Execution) -> None:
        self.child, self.recipe, self.data, self.execution = child, recipe, data, execution

    @property
    def data_name(self) -> str:
        """The text that names the data, with an absolute path."""
        return self.data.name

    @property
    def work(self) -> str:
        """What is done with a network, in words."""
        recipe, data = self.recipe, self.data
        steps = plural(len(data.train) // recipe.batch, "step")
        epochs = plural(recipe.epochs, "epoch")
        return f"trains for {epochs} of {steps} ({recipe.batch} images of {data.name} per step)"

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The accuracy on the images held out, from 0 to 1, at the end and after each epoch."""
        return self._trained(build(self.child.graph(cells_of_text(text)), seed=seed), seed, report)

    def _trained(self, net: Any, seed: int, report: Report) -> Score:
        # Imported here because it brings PyTorch, and a wrong spec should not wait for that.
        from nasdsl.train.loop import fit

        cost = graph_cost(net.graph)
        curve: list[float] = []

        def note(epoch: Epoch) -> None:
            accuracy = _accuracy(epoch)
            curve.append(accuracy)
            report(accuracy)

        fitted = fit(
            net,
            self.data,
            self.recipe,
            seed=seed,
            execution=self.execution,
            on_epoch=note,
        )
        assert fitted.held_out is not None
        return Score(fitted.held_out.accuracy, tuple(curve), cost.params, cost.mult_adds)

    def evaluate_child(self, text: str, seed: int, report: Report, family: Family) -> Score:
        """As `evaluate`, but parts that the parent has too begin with its weights.

        Raises:
            CellError: NAS888, the parent's weights are not there or cannot be read.
        """
        from nasdsl.weights.inheritance import inherit, keep

        net = build(self.child.graph(cells_of_text(text)), seed=seed)
        if family.parent is not None:
            parent = self.child.graph(cells_of_text(family.parent))
            inherit(net, parent, Path(family.parent_weights))
        score = self._trained(net, seed, report)
        keep(net, Path(family.weights))
        return score

    @property
    def epochs(self) -> int:
        """Those of a whole training."""
        return self.recipe.epochs

    def evaluate_part(self, text: str, seed: int, report: Report, part: TrainingPart) -> Score:
        """The accuracy on the images held out after the first epochs of a training.

        The training is that of `evaluate`, its learning rate included, and ends with a
        checkpoint. From there it continues, as if it had never ended; where a checkpoint cannot be
        read, it begins anew and comes to the same.
        """
        from nasdsl.train.checkpoint import Checkpoints
        from nasdsl.train.loop import fit

        graph = self.child.graph(cells_of_text(text))
        cost = graph_cost(graph)
        checkpoints = Checkpoints(part.folder)
        if not self._can_go_on(checkpoints, seed):
            shutil.rmtree(part.folder, ignore_errors=True)
        stop = _StopAfter(part.epochs, report)
        with suppress(_Reached):
            fit(
                build(graph, seed=seed),
                self.data,
                self.recipe,
                seed=seed,
                execution=self.execution,
                checkpoints=checkpoints,
                watchers=[stop],
            )
        if part.is_last:
            shutil.rmtree(part.folder, ignore_errors=True)
        curve = tuple(stop.curve[: part.epochs])
        return Score(curve[-1], curve, cost.params, cost.mult_adds)

    def _can_go_on(self, checkpoints: "Checkpoints", seed: int) -> bool:
        """Whether what is there, if anything, is of this training."""
        try:
            loaded = checkpoints.newest()
        except CellError:
            return False
        if loaded is None:
            return True
        own = {"recipe": asdict(self.recipe), "seed": seed, "data": self.data.name}
        return all(loaded.state.get(name) == value for name, value in own.items())


class _Reached(Exception):
    """A training has all the epochs of its part."""


class _StopAfter(Watcher):
    """Ends a training after so many epochs, when its checkpoint has been written."""

    def __init__(self, epochs: int, report: Report) -> None:
        self.epochs, self.report = epochs, report
        self.curve: list[float] = []

    def started(self, plan: TrainingPlan) -> None:
        """Take over the epochs of earlier parts."""
        self.curve = [_accuracy(epoch) for epoch in plan.history]
        self._check()

    def epoch_ended(self, epoch: Epoch) -> None:
        """Report an epoch."""
        self.curve.append(_accuracy(epoch))
        self.report(self.curve[-1])
        self._check()

    def _check(self) -> None:
        if len(self.curve) >= self.epochs:
            raise _Reached


def _accuracy(epoch: Epoch) -> float:
    assert epoch.held_out is not None, "the recipe holds images out"
    return epoch.held_out.accuracy


def training_evaluator(what: str, options: dict[str, str]) -> TrainingEvaluator:
    """The evaluator of `train?...`.

    Raises:
        CellError: NAS882 where the recipe holds nothing out, or something follows `train:`;
            as `nasdsl.train` for the recipe and the data.
    """
    if what:
        raise cell_error("NAS882", f"`train:{what}` is not of the form train?KEY=VALUE&...")
    name, execution = options.pop("recipe", "search"), _execution(options)
    spec = options.pop("data", "digits")
    # The size of images is the network's as well as the recipe's.
    changes = {"image_size": options["image_size"]} if "image_size" in options else {}
    child = child_from_options(options)
    changes |= options
    recipe = with_changes(recipe_at(name), [f"{key}={value}" for key, value in changes.items()])
    if not recipe.held_out:
        raise cell_error(
            "NAS882",
            f"recipe `{name}` holds no images out, so there is nothing to measure a reward on",
            "held_out=0.1 holds out a tenth of the training images",
        )
    ensure_installed()
    data = datasets(spec, recipe)
    base = Settings(**network_settings(data, recipe))
    return TrainingEvaluator(
        Child(child.settings, child.cell_filters, base), recipe, data, execution
    )


def _execution(options: dict[str, str]) -> Execution:
    """How the options say that trainings run; they are removed from `options`."""
    flags = {name: _flag(name, options) for name in ("channels_last", "cuda_graph")}
    return Execution(options.pop("device", None), **flags)


def _flag(name: str, options: dict[str, str]) -> bool:
    text = options.pop(name, "false")
    chosen: bool | None = _FLAG.legal(text)
    if chosen is None:
        raise cell_error("NAS882", f"{name} is {_FLAG.description}, not {text!r:.40}")
    return chosen
