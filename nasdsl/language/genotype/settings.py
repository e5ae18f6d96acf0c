"""Network settings: what a `network { ... }` block, flags or keyword arguments may say.

Purpose: `RULES`, the one table of the settings: their types, legal values, units, defaults and
what they mean. The resolver, the Python API, the command line with its completion, the table in
`docs/language.md` and the JSON schema read it.
Non-goals: defaults that depend on one another; `nasdsl.network.complete` works those out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

from nasdsl.errors import CellError, nearest
from nasdsl.registry import Registry
from nasdsl.values import Value, Values


@runtime_checkable
class HasStems(Protocol):
    """What the language has to know of a skeleton; `nasdsl.network.Skeleton` is all of it."""

    @property
    def name(self) -> str:
        """The entry point's name."""

    @property
    def stems(self) -> Mapping[str, object]:
        """The stems that its networks may have, by name."""


#: The installed skeletons.
SKELETONS: Registry[HasStems] = Registry(
    kind="skeleton",
    group="nasdsl.skeletons",
    type=HasStems,
    unknown="NAS502",
    requirement="a skeleton is a `nasdsl.network.Skeleton`",
    first=("nasnet", "pnasnet", "amoebanet", "enas", "darts"),
)
#: The skeleton that is meant where none is named.
DEFAULT_SKELETON = "nasnet"


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices about the network around the cells; None leaves a choice to its default.

    Attributes:
        skeleton: the name of an installed skeleton. `nasnet` and `pnasnet` are wired as
            TensorFlow slim's released code, `amoebanet` as tensorflow/tpu, `enas` as
            melodyguan/enas, `darts` as quark0/darts.
        stem: one of the skeleton's; all of these have `cifar` (one 3x3 convolution) and
            `imagenet` (a strided convolution, then two strided cells; three strided
            convolutions in `darts`).
        N: normal cells between two reductions (the paper's N).
        filters: channels of the penultimate layer (the second number of `6 @ 4032`).
        image_size: height and width of the square input, in pixels.
        classes: width of the last layer.
        input_channels: channels of the image.
        stem_filters: channels of the stem's first convolution.
        skip_reduction_input: whether the cell after a reduction takes as `h[i-1]` the cell
            two before that reduction (slim's `skip_reduction_layer_input`) or the one just
            before it.
        auxiliary: whether the network carries the auxiliary classifier.
        drop_path: probability of dropping a path in the last cell at the end of training.
        dropout: probability of dropping a feature before the last layer.
        batch_norm_epsilon: added to the variance.
        batch_norm_momentum: weight of the newest batch in the moving statistics (PyTorch's
            convention; TensorFlow's decay is one minus this).
        layers: all cells, reductions included, in place of `N`; for `darts`, whose reductions
            stand at a third and two thirds of any number.
        cell_filters: filters of the first cell (F), in place of `filters`.
    """

    skeleton: str | None = None
    stem: str | None = None
    N: int | None = None
    filters: int | None = None
    image_size: int | None = None
    classes: int | None = None
    input_channels: int | None = None
    stem_filters: int | None = None
    skip_reduction_input: bool | None = None
    auxiliary: bool | None = None
    drop_path: float | None = None
    dropout: float | None = None
    batch_norm_epsilon: float | None = None
    batch_norm_momentum: float | None = None
    layers: int | None = None
    cell_filters: int | None = None

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self.given().items())
        return f"Settings({', '.join(given)})"

    def given(self) -> dict[str, Value]:
        """The settings that say something, in the order of `RULES`."""
        pairs = ((name, getattr(self, name)) for name in RULES)
        return {name: value for name, value in pairs if value is not None}

    def override(self, other: "Settings") -> "Settings":
        """These settings with every choice `other` makes put in their place.

        A choice that says the same in another way goes: `layers` takes the place of `N`.
        """
        chosen: dict[str, Value | None] = {**other.given()}
        for pair in ALTERNATIVES:
            given = [name for name in pair if name in chosen]
            if len(given) == 1:
                chosen |= {name: None for name in pair if name not in chosen}
        return replace(self, **chosen)  # type: ignore[arg-type]


#: Settings that say the same in two ways; a network has one of them.
ALTERNATIVES = (("N", "layers"), ("filters", "cell_filters"))
#: Nothing chosen.
NO_SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its legal values, and what people are told about it.

    Attributes:
        values: what it may be, and what it is for.
        default: what is meant where nothing is said, in words.
        aliases: what other tools call it.
        words_of: the legal words of a text. They depend on what is installed, so they are looked
            up when they are asked for.
    """

    values: Values
    default: str
    aliases: tuple[str, ...] = ()
    words_of: Callable[[], Iterable[str]] | None = None

    @property
    def type(self) -> type[int] | type[float] | type[bool] | type[str]:
        """Of its values."""
        return self.values.type

    @property
    def words(self) -> tuple[str, ...]:
        """The legal words; empty unless it is a text."""
        return tuple(self.words_of()) if self.words_of else ()

    @property
    def description(self) -> str:
        """The legal values in words: "a whole number from 1 to 100"."""
        return self._installed.description

    def legal(self, value: object) -> Any:
        """`value` as a value of the setting's type, or None where it is not legal."""
        return self._installed.legal(value)

    @property
    def _installed(self) -> Values:
        return replace(self.values, words=self.words) if self.words_of else self.values

    @property
    def sentence(self) -> str:
        """What it is, with its unit: "Height and width of the input, in pixels."."""
        help, unit = self.values.help, self.values.unit
        return f"{help[0].upper()}{help[1:]}{f', in {unit}' if unit else ''}."

    @property
    def schema(self) -> dict[str, Any]:
        """The setting in JSON schema. Words are not listed: others may be installed."""
        kinds = {str: "string", bool: "boolean", int: "integer", float: "number"}
        found: dict[str, Any] = {"type": kinds[self.type]}
        if self.type in (int, float):
            most = "exclusiveMaximum" if self.values.below_maximum else "maximum"
            found |= {"minimum": self.values.minimum, most: self.values.maximum}
        return {**found, "description": self.sentence}


def stem_names(skeleton: str | None = None) -> tuple[str, ...]:
    """The stems of a skeleton; of all that can be imported where it is None."""
    if skeleton is not None:
        return tuple(SKELETONS.find(skeleton).stems)
    return tuple(dict.fromkeys(_every_stem()))


def _every_stem() -> Iterator[str]:
    for name in SKELETONS.names():
        try:
            yield from SKELETONS.find(name).stems
        except CellError:
            continue  # whoever asks for that skeleton is told what is wrong with it


_SMALL = 1_000
_LARGE = 1_000_000

_BY_STEM = "by skeleton and stem"


def _text(help: str, default: str, words_of: Callable[[], Iterable[str]]) -> Setting:
    return Setting(Values(str, help), default, words_of=words_of)


def _count(help: str, default: str, most: int, unit: str = "", *aliases: str) -> Setting:
    return Setting(Values(int, help, minimum=1, maximum=most, unit=unit), default, aliases)


def _probability(help: str, *aliases: str) -> Setting:
    values = Values(float, help, minimum=0, maximum=1, below_maximum=True)
    return Setting(values, _BY_STEM, aliases)


#: Every setting by name, in the order in which people are told about them.
RULES: dict[str, Setting] = {
    "skeleton": _text(
        "rules by which the cells are stacked", f"`{DEFAULT_SKELETON}`", SKELETONS.names
    ),
    "stem": _text(
        "layers before the first cell", "`imagenet`, or `cifar` for `nasbench201`", stem_names
    ),
    "N": _count("normal cells between two reductions", _BY_STEM, _SMALL),
    "layers": _count(
        "total number of cells, including reductions, instead of N (skeleton darts)",
        "follows from N",
        3 * _SMALL + 2,
    ),
    "filters": _count(
        "channels of the penultimate layer, as in 6 @ 4032", "by skeleton, stem and cells", _LARGE
    ),
    "cell_filters": _count(
        "filters of the first cell, instead of the setting filters",
        "follows from filters",
        _LARGE,
        "",
        "init_channels",
        "C",
    ),
    "image_size": _count(
        "height and width of the input", "331, 224 or 32, by skeleton and stem", 16_384, "pixels"
    ),
    "classes": _count("classes of the last layer", "1000 or 10, by stem", _LARGE),
    "input_channels": _count("channels of the image", "3", _SMALL),
    "stem_filters": _count(
        "channels of the first convolution", "by skeleton, stem and filters", _LARGE
    ),
    "skip_reduction_input": Setting(
        Values(
            bool, "in the cell after a reduction, read h[i-1] from two cells before the reduction"
        ),
        "`true` for `nasnet` on the `imagenet` stem",
    ),
    "auxiliary": Setting(Values(bool, "add the auxiliary classifier"), "`false`"),
    "drop_path": _probability("probability of dropping a path in the last cell", "drop_path_prob"),
    "dropout": _probability("probability of dropping a feature before the last layer"),
    "batch_norm_epsilon": Setting(
        Values(float, "epsilon of batch norm", minimum=1e-12, maximum=1), _BY_STEM
    ),
    "batch_norm_momentum": Setting(
        Values(float, "momentum of batch norm, as PyTorch defines it", minimum=0, maximum=1),
        _BY_STEM,
    ),
}

assert set(RULES) == {item.name for item in fields(Settings)}


def nearest_setting(name: str, others: Iterable[str] = ()) -> str | None:
    """The setting, or one of `others`, that an unknown name may mean."""
    return setting_elsewhere(name) or nearest(name, [*RULES, *others])


def setting_elsewhere(name: str) -> str | None:
    """The setting that other tools give this name."""
    word = name.replace("-", "_")
    return next((setting for setting, rule in RULES.items() if word in rule.aliases), None)


def conflicting_settings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Settings that are given and say the same in two ways: both, and what they say."""
    said = {"layers": "how many cells there are", "cell_filters": "how wide the network is"}
    given = settings.given()
    for one, other in ALTERNATIVES:
        if one in given and other in given:
            yield one, other, f"`{one}` and `{other}` both say {said[other]}"
