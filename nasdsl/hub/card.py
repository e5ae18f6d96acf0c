"""The card of a published model: `README.md`, in Markdown with metadata.

Purpose: the cells, the cost, the data, the training and the results of a network, as people who
look for a model read them.
Non-goals: which files there are (`mixin`). Paths of the machine that trained it are left out.
"""

import json
from collections.abc import Iterator

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from nasdsl.canonical import canonical_hash
from nasdsl.errors import plural
from nasdsl.hub.published import PublishedModel
from nasdsl.network.cost import graph_cost
from nasdsl.report.visible import visible
from nasdsl.train.run_folder import Job
from nasdsl.version import __version__

TAGS = ("image-classification", "nasdsl", "neural-architecture-search", "timm")
_TASK = "image-classification"
#: What parts of a data set are called.
_PARTS = {"held_out": "held out", "test": "test"}
#: More names of classes would hide the rest of the card.
_MAX_CLASSES = 20


def model_card(
    model: PublishedModel, name: str, license: str | None = None, is_folder: bool = False
) -> ModelCard:
    """The card of a model.

    Args:
        model: what is published.
        name: what it is loaded by: `OWNER/NAME`, or a folder.
        license: of the weights, as the Hub calls it: `apache-2.0`. The card says none if it is
            None, because nasdsl cannot know it.
        is_folder: whether `name` is that of a folder, which timm has another word for.
    """
    data = ModelCardData(
        library_name="nasdsl",
        license=license,
        pipeline_tag=_TASK,
        tags=list(TAGS),
        metrics=["accuracy"] if model.evaluations else None,
        model_name=model.graph.name if model.evaluations else None,
        eval_results=_eval_results(model) or None,
    )
    parts = [f"# {model.graph.name}", _opening(model), *_results(model), *_cells(model)]
    parts += [*_training(model), *_images(model), *_use(name, is_folder)]
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n")


def _eval_results(model: PublishedModel) -> list[EvalResult]:
    if model.job is None:
        return []
    data = _data(model.job)
    return [
        EvalResult(
            task_type=_TASK,
            dataset_type=data,
            dataset_name=data,
            dataset_split=part,
            metric_type="accuracy",
            metric_value=round(found.accuracy, 6),
        )
        for part, found in model.evaluations.items()
    ]


def _data(job: Job) -> str:
    """The data set without its path, which is the business of one machine."""
    return job.data.partition(":")[0]


def _opening(model: PublishedModel) -> str:
    chosen, cost = model.graph.configuration, graph_cost(model.graph)
    return (
        f"A network of cells for {plural(chosen.classes, 'class')}, {chosen.size} on the skeleton "
        f"`{chosen.name}`, for images of {chosen.image_size}x{chosen.image_size} pixels in "
        f"{plural(chosen.input_channels, 'channel')}. It has {cost.params:,} parameters, and "
        f"{cost.mult_adds:,} mult-adds for an image."
    )


def _results(model: PublishedModel) -> Iterator[str]:
    if not model.evaluations:
        return
    rows = ["| images | | accuracy | top 5 | loss |", "|---|---:|---:|---:|---:|"]
    rows += [
        f"| {_PARTS[part]} | {found.images:,} | {found.accuracy:.2%} "
        f"| {found.accuracy_top5:.2%} | {found.loss:.4f} |"
        for part, found in model.evaluations.items()
    ]
    yield "## Results"
    yield "\n".join(rows)


def _cells(model: PublishedModel) -> Iterator[str]:
    yield "## Cells"
    yield f"```cell\n{model.text.strip()}\n```"
    genotype = model.graph.genotype
    if genotype is not None:
        yield f"Canonical hash of the cells: `{canonical_hash(genotype)}`."


def _training(model: PublishedModel) -> Iterator[str]:
    if model.job is None:
        return
    job = model.job
    start = "" if job.weights is None else " It began with weights that were trained before."
    yield "## Training"
    yield (
        f"On `{_data(job)}` with the recipe `{job.recipe.name}` and the seed {job.seed}, for "
        f"{plural(model.epochs, 'epoch')} in batches of {job.recipe.batch:,}.{start}"
    )


def _images(model: PublishedModel) -> Iterator[str]:
    prepared = model.preparation
    if prepared is None:
        return
    mean, deviation = (
        ", ".join(f"{value:.4g}" for value in values)
        for values in (prepared.mean, prepared.deviation)
    )
    yield "## Images"
    yield (
        f"Resized to {prepared.resized} pixels, the middle {prepared.size} are cropped; from 0 to "
        f"1, minus {mean}, divided by {deviation}."
    )
    names = [visible(name) for name in prepared.classes]
    if names:
        more = len(names) - _MAX_CLASSES
        rest = f", and {more:,} more" if more > 0 else ""
        yield f"Classes: {', '.join(names[:_MAX_CLASSES])}{rest}."


def _use(name: str, is_folder: bool) -> Iterator[str]:
    # As texts of Python, in which a path of Windows has to be spelt out.
    ours = json.dumps(name, ensure_ascii=False)
    timms = json.dumps(f"{'local-dir' if is_folder else 'hf-hub'}:{name}", ensure_ascii=False)
    yield "## How to use it"
    yield f"```python\nimport nasdsl\n\nnet = nasdsl.hub.from_pretrained({ours}).eval()\n```"
    yield "Or with timm:"
    yield (
        "```python\nimport nasdsl\nimport timm\n\nnasdsl.hub.register_with_timm()\n"
        f"net = timm.create_model({timms}, pretrained=True).eval()\n```"
    )
    yield f"Written by nasdsl {__version__}."
