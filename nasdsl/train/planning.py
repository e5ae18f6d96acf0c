"""Planning a training: from cells, data, a recipe and settings to what a run does.

Purpose: one order of precedence for Python and the command line. A plan is made once, of a request
(`plan_run`) or of the files of a run (`recorded_plan`); whatever comes later reads it. The settings
of the network are completed here and nowhere after.
Non-goals: training (`nasdsl.train.run`); whether the parts fit (`nasdsl.train.loop`).

Who decides, the first that says something:

| about | |
|---|---|
| classes, channels | the data; a setting may only say the same |
| image size | a setting; a change of the recipe; the file; the recipe; the data |
| stem | a setting; the file; the image size |
| auxiliary classifier, drop path, dropout | a setting; a change; the file; the recipe |
| N, layers, widths | a setting; the file; 1 and 8 for images of up to 16 pixels; the default |
| everything else of the network | a setting; the file; the skeleton's default |

The file's image size counts where the recipe has one too: where it takes images as they are, the
network is made for those.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nasdsl.errors import CellError, Diagnostic, Source, plural
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    NO_SETTINGS,
    SKELETONS,
    Settings,
    stem_names,
)
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath, cells_of_text
from nasdsl.loading.cells import source_cells
from nasdsl.network.cost import size_findings
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.self_contained import network_genotype
from nasdsl.network.source import SourceCells
from nasdsl.train.data.datasets import datasets
from nasdsl.train.data_sets import DATA_SETS
from nasdsl.train.execution import (
    Execution,
    is_first_process,
    require_precision,
    require_recordable,
)
from nasdsl.train.loggers import require_usable
from nasdsl.train.recipe import RECIPES, Recipe
from nasdsl.train.recipe import recipe as shipped
from nasdsl.train.recipe_file import recipe_at, with_changes
from nasdsl.train.run_folder import NETWORK, Job, RunFolder
from nasdsl.train.starting import StartingWeights
from nasdsl.values import Seed, require_types, typed

if TYPE_CHECKING:
    from nasdsl.train.data import Splits

#: The largest images, in pixels a side, that are small.
_SMALL = 64
#: A size, in pixels a side, that no network is too deep for.
_LARGE = 4096
#: Images of so many pixels a side, and fewer images than that, for which networks of published
#: sizes are out of all proportion, and what is taken where nobody says a size (docs/training.md).
_TINY, _TINY_SIZES = 16, {"N": 1, "cell_filters": 8}
_FEW, _FEW_SIZES = 10_000, {"N": 2, "cell_filters": 16}

#: Settings that a file's network block decides, unless a change names the recipe's value.
_RECIPE_VALUES = {
    "auxiliary": "auxiliary_weight",
    "drop_path": "drop_path",
    "dropout": "dropout",
}


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a training does, every value decided.

    Attributes:
        job: what the run's files say of it: network, data, recipe, seed and execution.
        graph: the network; its genotype is what the job's text says.
        splits: the data.
        warnings: what is worth knowing about the network's text and settings.
        remarks: what was decided against the recipe, in sentences, for people.
    """

    job: Job
    graph: NetworkGraph
    splits: "Splits"
    warnings: tuple[Diagnostic, ...] = ()
    remarks: tuple[str, ...] = ()


@typed
def plan_run(
    source: NameOrPath | Genotype | SourceCells,
    *,
    data: str = "digits",
    recipe: Recipe | str = "quick",
    changes: Sequence[str] = (),
    settings: Settings = NO_SETTINGS,
    seed: Seed = 0,
    execution: Execution | None = None,
    weights: StartingWeights | None = None,
    download: bool = False,
    loggers: Sequence[str] = (),
) -> RunPlan:
    """What a training would do, and its data; nothing is written.

    Args:
        source: the cells, with the settings of their text: as `nasdsl.compile` takes them, or
            what `nasdsl.loading.cells.source_cells` has read.
        data: as `nasdsl.train.datasets` takes it.
        recipe: a recipe, the name of a shipped one, or the path of a `.toml` file.
        changes: values of the recipe as `NAME=VALUE`; they win over the file.
        settings: network settings; they win over everything.
        seed: of initial weights and of all that is drawn.
        execution: the device and what else does not change the result.
        weights: what to start from; None starts from weights that are drawn.
        download: fetch the data where they are missing.
        loggers: names of what the figures are sent to, besides the files of the run.

    Raises:
        CellError: the recipe, the data or the network are refused, the device (NAS707), the
            weights (NAS801 to NAS805), or a logger (NAS850, NAS701).
    """
    base = recipe if isinstance(recipe, Recipe) else recipe_at(recipe)
    named = {word.partition("=")[0].strip() for word in changes}
    wanted = with_changes(base, changes)
    cells = source if isinstance(source, SourceCells) else source_cells(source)
    # What no data can mend is refused before they are read, which takes PyTorch and time.
    DATA_SETS.require(data.partition(":")[0])
    require_usable(loggers)
    if settings.given():
        _require_possible(cells, settings)
    execution = execution or Execution()
    require_precision(wanted.precision, execution.device)
    if execution.cuda_graph:
        require_recordable(execution.device, execution.accumulation)
    if weights is not None:
        weights = replace(weights, path=os.path.abspath(weights.path))
        weights.require_file()
    own = cells.genotype.settings
    size = _image_size(own, settings, wanted, named)
    if size is not None:
        wanted = wanted.changed(image_size=size)
    splits = datasets(data, wanted, download=download)
    _require_no_other(settings, splits)
    implied = network_settings(splits, wanted, settings.skeleton or own.skeleton)
    following = Settings(**_not_the_files(implied, own, named))
    small, remark = _small_sizes(own.override(settings), splits)
    following = following.override(Settings(**small))
    found = cells.network(following.override(settings))
    # What the network has is what the run's files say, whoever decided it.
    network = found.configuration
    final = wanted.changed(drop_path=network.drop_path, dropout=network.dropout)
    graph = found.graph()
    if weights is not None:
        weights.require_fit(graph)
    # As of a run that is continued, whose text has every setting.
    genotype = network_genotype(graph)
    graph = replace(graph, genotype=genotype)
    job = Job(
        genotype_text(genotype),
        splits.name,
        final,
        seed,
        execution,
        weights,
        tuple(dict.fromkeys(loggers)),
    )
    warnings = (*found.warnings, *size_findings(graph), *_recipe_warnings(final))
    remarks = (*_remarks(base, final, named), *([remark] if remark else []))
    return RunPlan(job, graph, splits, warnings, remarks)


@typed
def recorded_plan(folder: RunFolder) -> RunPlan:
    """What the run in a folder does, as its files say, and its data.

    Raises:
        CellError: NAS843, there is no run, or its files are damaged; what the data or the
            network are refused for.
    """
    job = folder.job()
    splits = recorded_data(folder, job)
    text = Source(os.fspath(folder / NETWORK), job.network)
    graph = network_graph(cells_of_text(text))
    return RunPlan(job, graph, splits)


def recorded_data(folder: RunFolder, job: Job, *, download: bool = False) -> "Splits":
    """The data of a run, also where it was moved together with them.

    Raises:
        CellError: as `nasdsl.train.datasets` does.
    """
    try:
        found = datasets(job.data, job.recipe, download=download)
    except CellError as error:
        places = folder.other_places(job.data) if _is_missing(error) else []
        if not places:
            raise
        found = datasets(places[0], job.recipe)
    return replace(found, name=job.data)


def is_same_data(recorded: str, wanted: str) -> bool:
    """Whether two texts name the same data; runs of version 0.1.0 have paths as they were typed."""
    (name, _, path), (other, _, place) = recorded.partition(":"), wanted.partition(":")
    return recorded == wanted or (name == other and os.path.abspath(path) == place)


def _is_missing(error: CellError) -> bool:
    return error.diagnostics[0].code == "NAS823"


@typed
def network_settings(data: "Splits", recipe: Recipe, skeleton: str | None = None) -> dict[str, Any]:
    """The network settings that follow from the data and the recipe, for `nasdsl.compile`.

    Images of up to 64 pixels get the CIFAR stem: after the ImageNet stem and two more
    reductions, a map of only a pixel or two would be left. A skeleton with other stems
    keeps its own.
    """
    # Imported here because plans of detectors need no data for classifiers.
    from nasdsl.train.data import Splits

    require_types(data=(data, Splits))
    stem = "cifar" if data.image_size <= _SMALL else "imagenet"
    known = stem in stem_names(skeleton or DEFAULT_SKELETON)
    return {
        **({"stem": stem} if known else {}),
        "classes": data.classes,
        "image_size": data.image_size,
        "input_channels": data.channels,
        "auxiliary": recipe.auxiliary_weight > 0,
        "drop_path": recipe.drop_path,
        "dropout": recipe.dropout,
    }


@typed
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


def _require_possible(cells: SourceCells, settings: Settings) -> None:
    """Refuse settings that are mistaken with every stem, however large the images are.

    Raises:
        CellError: as `SourceCells.network` does.
    """
    said = cells.genotype.settings.override(settings)
    skeleton = said.skeleton or DEFAULT_SKELETON
    choices = stem_names(skeleton) if said.stem is None and skeleton in SKELETONS else (None,)
    errors: list[CellError] = []
    for stem in choices:
        try:
            cells.network(Settings(stem=stem, image_size=_LARGE).override(settings))
        except CellError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def _require_no_other(settings: Settings, splits: "Splits") -> None:
    """Refuse settings that the data decide, where they say something else.

    Raises:
        CellError: NAS844, for each.
    """
    findings = [
        Diagnostic(
            "NAS844",
            f"`{name}` is {given}, and the data `{splits.name}` have {plural(have, what)}",
            hints=(f"leave `--{name.replace('_', '-')}` out: in a training the data decide it",),
        )
        for name, what, given, have in (
            ("classes", "class", settings.classes, splits.classes),
            ("input_channels", "channel", settings.input_channels, splits.channels),
        )
        if given is not None and given != have
    ]
    if findings:
        raise CellError(tuple(findings))


def _small_sizes(settings: Settings, splits: "Splits") -> tuple[dict[str, Any], str]:
    """The size of a network for small data, where nobody has said one, and how that is told."""
    if settings.given().keys() & {"N", "layers", "filters", "cell_filters"}:
        return {}, ""
    if splits.image_size <= _TINY:
        sizes, why = _TINY_SIZES, f"images of {splits.image_size} pixels"
    elif len(splits.train) < _FEW:
        sizes, why = _FEW_SIZES, plural(len(splits.train), "image")
    else:
        return {}, ""
    said = f"N = {sizes['N']} and {sizes['cell_filters']} filters in the first cell"
    return dict(sizes), f"{said}, for {why}; `--N` and `--filters` decide otherwise"


def _recipe_warnings(recipe: Recipe) -> tuple[Diagnostic, ...]:
    if not 0 < recipe.epochs <= recipe.warmup:
        return ()
    message = f"the warm-up takes {recipe.warmup:g} epochs, and the training has {recipe.epochs}"
    hint = f"`--set warmup={recipe.epochs / 10:g}` leaves the rest to the schedule"
    return (Diagnostic("NAS849", message, hints=(hint,)),)


def _not_the_files(implied: dict[str, Any], own: Settings, named: set[str]) -> dict[str, Any]:
    """Of the settings that follow from data and recipe, those that the file does not decide."""
    given = own.given()

    def is_the_files(name: str) -> bool:
        if name not in given:
            return False
        return name == "stem" or (name in _RECIPE_VALUES and _RECIPE_VALUES[name] not in named)

    return {name: value for name, value in implied.items() if not is_the_files(name)}


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
