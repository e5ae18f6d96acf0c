"""Network settings: what a `network { ... }` block, flags or keyword arguments may say.

Purpose: one table of the settings, their types and their legal values, read by the
resolver, the command line and the Python API alike.
Non-goals: defaults that depend on one another; `nasdsl.network.skeleton` works those out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from operator import index
from typing import Literal, NamedTuple, SupportsIndex, get_args

Value = int | float | bool | str
SkeletonName = Literal["nasnet", "pnasnet", "amoebanet", "enas", "darts"]
StemName = Literal["cifar", "imagenet"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices about the network around the cells; None leaves a choice to its default.

    Attributes:
        skeleton: wiring rules. `nasnet` and `pnasnet` as TensorFlow slim's released code,
            `amoebanet` as tensorflow/tpu, `enas` as melodyguan/enas, `darts` as quark0/darts.
        stem: `cifar` (one 3x3 convolution) or `imagenet` (a strided convolution, then two
            strided cells; three strided convolutions in `darts`).
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
    """

    skeleton: SkeletonName | None = None
    stem: StemName | None = None
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

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self.given().items())
        return f"Settings({', '.join(given)})"

    def given(self) -> dict[str, Value]:
        """The settings that say something, in the order of the fields."""
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in pairs if value is not None}

    def override(self, other: "Settings") -> "Settings":
        """These settings with every choice `other` makes put in their place."""
        chosen: Mapping[str, Value] = other.given()
        return replace(self, **chosen)  # type: ignore[arg-type]


#: Nothing chosen.
NO_SETTINGS = Settings()


class Rule(NamedTuple):
    """What values a setting takes: a type, and words or bounds."""

    type: type[int] | type[float] | type[bool] | type[str]
    help: str
    words: tuple[str, ...] = ()
    least: float = 0
    most: float = float("inf")
    most_excluded: bool = False

    @property
    def wants(self) -> str:
        """The legal values in words: "a whole number from 1 to 100"."""
        if self.type is str:
            return " or ".join(f"`{word}`" for word in self.words)
        if self.type is bool:
            return "`true` or `false`"
        kind = "a whole number" if self.type is int else "a number"
        if self.most_excluded:
            return f"{kind} of at least {self.least:g} and less than {self.most:g}"
        return f"{kind} from {self.least:g} to {self.most:,.10g}"


_SMALL = 1_000
_LARGE = 1_000_000

RULES: dict[str, Rule] = {
    "skeleton": Rule(str, "wiring rules of the stack", get_args(SkeletonName)),
    "stem": Rule(str, "layers before the first cell", get_args(StemName)),
    "N": Rule(int, "normal cells between two reductions", least=1, most=_SMALL),
    "filters": Rule(int, "channels of the penultimate layer", least=1, most=_LARGE),
    "image_size": Rule(int, "height and width of the input, in pixels", least=1, most=16_384),
    "classes": Rule(int, "classes of the last layer", least=1, most=_LARGE),
    "input_channels": Rule(int, "channels of the image", least=1, most=_SMALL),
    "stem_filters": Rule(int, "channels of the first convolution", least=1, most=_LARGE),
    "skip_reduction_input": Rule(
        bool, "let the cell after a reduction take h[i-1] from before the reduction's inputs"
    ),
    "auxiliary": Rule(bool, "carry the auxiliary classifier"),
    "drop_path": Rule(
        float, "probability of dropping a path in the last cell", most=1, most_excluded=True
    ),
    "dropout": Rule(
        float, "probability of dropping a feature before the last layer", most=1, most_excluded=True
    ),
    "batch_norm_epsilon": Rule(float, "batch norm's epsilon", least=1e-12, most=1),
    "batch_norm_momentum": Rule(float, "batch norm's momentum, PyTorch's sense", most=1),
}

assert tuple(RULES) == tuple(item.name for item in fields(Settings))


def checked(name: str, value: object) -> Value | None:
    """`value` as the setting's type where it is legal, else None.

    Takes Python values as well as the words and numbers of a text.
    """
    rule = RULES[name]
    if rule.type is str:
        return value if isinstance(value, str) and value in rule.words else None
    if rule.type is bool:
        words = {"true": True, "false": False}
        return value if isinstance(value, bool) else words.get(str(value))
    number = _number(value, rule)
    if number is None or not rule.least <= number <= rule.most:
        return None
    return None if rule.most_excluded and number == rule.most else number


def _number(value: object, rule: Rule) -> int | float | None:
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        # numpy's integers among them.
        value = index(value)
    # A float prints in up to 24 characters; int() may take seconds over much longer ones.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 24 or "_" in value or not value.isascii()):
        return None
    try:
        number = float(value)
        if rule.type is not int:
            return number
        return int(value) if number == int(value) else None
    except (ValueError, OverflowError):
        return None
