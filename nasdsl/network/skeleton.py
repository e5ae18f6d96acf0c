"""Skeletons: settings with every choice made.

Purpose: `skeleton` completes a genotype's settings; what it returns can be built, as far as
numbers go.
Non-goals: defaults (`nasdsl.network.defaults`), what is wrong with settings
(`nasdsl.network.findings`), wiring (`nasdsl.network.nasnet` and its neighbours).
"""

from dataclasses import dataclass

from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings, SkeletonName, StemName
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.choices import chosen, image_size, normal_widths
from nasdsl.network.defaults import CIFAR_STEM_MULTIPLIER, CLASSES, IMAGENET_STEM_FILTERS
from nasdsl.network.findings import settings_findings

__all__ = ["Skeleton", "settings_findings", "skeleton"]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Every choice about the network around the cells.

    Attributes:
        name: wiring rules: `nasnet`, `pnasnet`, `amoebanet`, `enas` or `darts`.
        stem: `cifar` or `imagenet`.
        N: normal cells between reductions.
        filters: channels of the penultimate layer.
        cell_filters: F, the filters of the first cell; it doubles at each reduction.
        image_size: height and width of the input, in pixels.
        classes: width of the last layer.
        input_channels: channels of the image.
        stem_filters: channels of the stem's first convolution.
        skip_reduction_input: whether the cell after a reduction takes as `h[i-1]` the cell
            two before that reduction. Always false outside `nasnet`.
        auxiliary: whether there is an auxiliary classifier.
        drop_path: probability of dropping a path at depth 1, at the end of training.
        dropout: probability of dropping a feature before the last layer.
        batch_norm_epsilon: added to the variance, in every normalisation.
        batch_norm_momentum: weight of the newest batch in the moving statistics.
    """

    name: SkeletonName
    stem: StemName
    N: int
    filters: int
    cell_filters: int
    image_size: int
    classes: int
    input_channels: int
    stem_filters: int
    skip_reduction_input: bool
    auxiliary: bool
    drop_path: float
    dropout: float
    batch_norm_epsilon: float
    batch_norm_momentum: float


def skeleton(genotype: Genotype, settings: Settings | None = None) -> Skeleton:
    """The settings of a genotype with every choice made; `settings` win over its own.

    Raises:
        CellError: with every finding: NAS304 (a cell is missing), NAS502 (a setting has an
            illegal value or does not apply), NAS503 (filters do not divide), NAS504 (the
            image is too small), NAS506 (no cells).
    """
    if settings is not None:
        genotype = genotype.with_settings(genotype.settings.override(settings))
    findings = tuple(found for _, found in settings_findings(genotype))
    if any(found.is_error for found in findings):
        raise CellError(findings)
    return _completed(genotype)


def _completed(genotype: Genotype) -> Skeleton:
    given = genotype.settings
    name, stem, default = chosen(given)
    widths = normal_widths(genotype)
    cell_filters: int | None = default.cell_filters
    if given.filters is not None:
        cell_filters = widths.cell_filters(given.filters)
    assert cell_filters is not None, "settings_findings refuses these"
    skip = given.skip_reduction_input
    return Skeleton(
        name=name,
        stem=stem,
        N=default.N if given.N is None else given.N,
        filters=widths.penultimate(cell_filters),
        cell_filters=cell_filters,
        image_size=image_size(given),
        classes=CLASSES[stem] if given.classes is None else given.classes,
        input_channels=3 if given.input_channels is None else given.input_channels,
        stem_filters=_stem_filters(given, cell_filters),
        skip_reduction_input=default.skip_reduction_input if skip is None else skip,
        auxiliary=bool(given.auxiliary),
        drop_path=default.drop_path if given.drop_path is None else given.drop_path,
        dropout=default.dropout if given.dropout is None else given.dropout,
        batch_norm_epsilon=given.batch_norm_epsilon or default.batch_norm_epsilon,
        batch_norm_momentum=default.batch_norm_momentum
        if given.batch_norm_momentum is None
        else given.batch_norm_momentum,
    )


def _stem_filters(settings: Settings, cell_filters: int) -> int:
    name, stem, _ = chosen(settings)
    if settings.stem_filters is not None:
        return settings.stem_filters
    if stem == "cifar":
        return CIFAR_STEM_MULTIPLIER * cell_filters
    return cell_filters // 2 if name == "darts" else IMAGENET_STEM_FILTERS[name]
