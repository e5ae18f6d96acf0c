"""Planning a training: from a genotype, data, a recipe and settings to what a run does.

Purpose: one order of precedence for Python and the command line, and the folder of a new run.
Non-goals: training (`nasdsl.train.run`); whether the parts fit (`nasdsl.train.loop`).

Who decides, the first that says something:

| about | |
|---|---|
| classes, channels | a setting by keyword or flag; the data |
| image size | a setting; a change of the recipe; the file; the recipe; the data |
| stem | a setting; the file; the image size |
| auxiliary classifier, drop path, dropout | a setting; a change; the file; the recipe |
| everything else of the network | a setting; the file; the skeleton's default |

The file's image size counts where the recipe has one too: where it takes images as they are, the
network is made for those.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nasdsl.errors import CellError
from nasdsl.export.exported import network_text
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.expand import network_graph
from nasdsl.train.data import Splits, datasets
from nasdsl.train.execution import Execution
from nasdsl.train.recipe import RECIPES, Recipe
from nasdsl.train.recipe import recipe as shipped
from nasdsl.train.recipe_file import recipe_at, with_changes
from nasdsl.train.run import is_first_process, network_settings
from nasdsl.train.run_folder import Job, RunFolder

#: Settings that a file's network block decides, unless a change names the recipe's value.
_RECIPE_VALUES = {
    "auxiliary": "auxiliary_weight",
    "drop_path": "drop_path",
    "dropout": "dropout",
}


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a training would do.

    Attributes:
        job: network, data, recipe, seed and execution, every value decided.
        splits: the data.
        remarks: what was decided against the recipe, in sentences, for people.
    """

    job: Job
    splits: Splits
    remarks: tuple[str, ...] = ()


def plan_run(
    genotype: Genotype,
    *,
    data: str = "digits",
    recipe: Recipe | str = "quick",
    changes: Sequence[str] = (),
    settings: Settings = NO_SETTINGS,
    seed: int = 0,
    execution: Execution | None = None,
    download: bool = False,
) -> RunPlan:
    """What a training would do, and its data; nothing is written.

    Args:
        genotype: the cells, with the settings of their file.
        data: as `nasdsl.train.datasets` takes it.
        recipe: a recipe, the name of a shipped one, or the path of a `.toml` file.
        changes: values of the recipe as `NAME=VALUE`; they win over the file.
        settings: network settings; they win over everything.
        seed: of initial weights and of all that is drawn.
        execution: the device and what else does not change the result.
        download: fetch the data where they are missing.

    Raises:
        CellError: the recipe, the data or the network are refused.
    """
    base = recipe if isinstance(recipe, Recipe) else recipe_at(recipe)
    named = {word.partition("=")[0].strip() for word in changes}
    wanted = with_changes(base, changes)
    size = _image_size(genotype.settings, settings, wanted, named)
    if size is not None:
        wanted = wanted.changed(image_size=size)
    splits = datasets(data, wanted, download=download)
    implied = network_settings(splits, wanted, settings.skeleton or genotype.settings.skeleton)
    own = _with_implied(genotype.settings, implied, named)
    graph = network_graph(genotype.with_settings(own.override(settings)))
    # What the network has is what the run's files say, whoever decided it.
    network = graph.configuration
    final = wanted.changed(drop_path=network.drop_path, dropout=network.dropout)
    job = Job(network_text(graph), data, final, seed, execution or Execution())
    return RunPlan(job, splits, _remarks(base, final, named))


def begin_run(
    path: str | os.PathLike[str], plan: RunPlan, command: Sequence[str] = ()
) -> RunFolder:
    """The folder of a new run, written by the first of its processes.

    Args:
        path: a new or empty folder.
        plan: what the run does.
        command: how it was asked for, for the run's report.

    Raises:
        CellError: NAS841, something is there; NAS006, it cannot be written.
    """
    folder = RunFolder(path)
    if is_first_process():
        folder.create(plan.job, list(command))
    return folder


def _image_size(own: Settings, settings: Settings, recipe: Recipe, named: set[str]) -> int | None:
    """The size that images are brought to, where it is not for the recipe to say."""
    if settings.image_size is not None:
        return settings.image_size
    file_decides = recipe.image_size and "image_size" not in named
    return own.image_size if file_decides else None


def _with_implied(own: Settings, implied: dict[str, Any], named: set[str]) -> Settings:
    """The file's settings, and those that follow from the data and the recipe."""
    given = own.given()

    def is_the_files(name: str) -> bool:
        if name not in given:
            return False
        return name == "stem" or (name in _RECIPE_VALUES and _RECIPE_VALUES[name] not in named)

    following = {name: value for name, value in implied.items() if not is_the_files(name)}
    return own.override(Settings(**following))


def _remarks(base: Recipe, final: Recipe, named: set[str]) -> tuple[str, ...]:
    """That the images have another size than the recipe says, and which recipe has that size."""
    if not base.image_size or final.image_size == base.image_size or "image_size" in named:
        return ()
    size = final.image_size
    text = f"images of {size} pixels, as the network says; recipe `{base.name}` has "
    text += f"{base.image_size}"
    hint = next((name for name in RECIPES.names() if _size_of(name) == size), None)
    return (f"{text}, and recipe `{hint}` is for {size}" if hint else text,)


def _size_of(name: str) -> int | None:
    """The image size of an installed recipe; None where somebody's cannot be read."""
    try:
        return shipped(name).image_size
    except CellError:
        return None
