"""`train`: the held-out accuracy after a training from scratch, as in the paper.

For example `train?data=digits&recipe=search&N=2&cell_filters=32&epochs=20&device=cpu`: network
settings, `cell_filters` and `device` by their names; every other name is a value of the recipe.
The recipe `search` is the paper's for children: 20 epochs, and the reward is the accuracy on
images held out from training (Zoph et al. 2018, appendix A.6).
"""

from typing import TYPE_CHECKING

from nasdsl.api.compile import build
from nasdsl.errors import cell_error, plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.protocol import Report, Score
from nasdsl.train.data.datasets import datasets
from nasdsl.train.execution import Execution, ensure_installed
from nasdsl.train.planning import network_settings
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, with_changes

if TYPE_CHECKING:
    from nasdsl.train.data import Splits


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
        # Imported here because it brings PyTorch, and a wrong spec should not wait for that.
        from nasdsl.train.loop import fit

        graph = self.child.graph(cells_of_text(text))
        cost = graph_cost(graph)
        curve: list[float] = []

        def note(accuracy: float) -> None:
            curve.append(accuracy)
            report(accuracy)

        fitted = fit(
            build(graph, seed=seed),
            self.data,
            self.recipe,
            seed=seed,
            execution=self.execution,
            on_epoch=lambda epoch: note(epoch.held_out.accuracy) if epoch.held_out else None,
        )
        assert fitted.held_out is not None
        return Score(fitted.held_out.accuracy, tuple(curve), cost.params, cost.mult_adds)


def training_evaluator(what: str, options: dict[str, str]) -> TrainingEvaluator:
    """The evaluator of `train?...`.

    Raises:
        CellError: NAS882 where the recipe holds nothing out, or something follows `train:`;
            as `nasdsl.train` for the recipe and the data.
    """
    if what:
        raise cell_error("NAS882", f"`train:{what}` is not of the form train?KEY=VALUE&...")
    name, execution = options.pop("recipe", "search"), Execution(options.pop("device", None))
    spec = options.pop("data", "digits")
    child = child_from_options(options)
    recipe = with_changes(recipe_at(name), [f"{key}={value}" for key, value in options.items()])
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
