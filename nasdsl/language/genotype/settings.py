"""Network settings: what a `network { ... }` block, flags or keyword arguments may say.

Purpose: one table of the settings, their types and their legal values, read by the
resolver, the command line and the Python API alike.
Non-goals: defaults that depend on one another; `nasdsl.network.skeleton` works those out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from nasdsl.values import Value, Values

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


_SMALL = 1_000
_LARGE = 1_000_000

#: What each setting may be, in the order of the fields.
RULES: dict[str, Values] = {
    "skeleton": Values(str, "wiring rules of the stack", get_args(SkeletonName)),
    "stem": Values(str, "layers before the first cell", get_args(StemName)),
    "N": Values(int, "normal cells between two reductions", minimum=1, maximum=_SMALL),
    "filters": Values(int, "channels of the penultimate layer", minimum=1, maximum=_LARGE),
    "image_size": Values(
        int, "height and width of the input, in pixels", minimum=1, maximum=16_384
    ),
    "classes": Values(int, "classes of the last layer", minimum=1, maximum=_LARGE),
    "input_channels": Values(int, "channels of the image", minimum=1, maximum=_SMALL),
    "stem_filters": Values(int, "channels of the first convolution", minimum=1, maximum=_LARGE),
    "skip_reduction_input": Values(
        bool, "let the cell after a reduction take h[i-1] from before the reduction's inputs"
    ),
    "auxiliary": Values(bool, "carry the auxiliary classifier"),
    "drop_path": Values(
        float,
        "probability of dropping a path in the last cell",
        minimum=0,
        maximum=1,
        below_maximum=True,
    ),
    "dropout": Values(
        float,
        "probability of dropping a feature before the last layer",
        minimum=0,
        maximum=1,
        below_maximum=True,
    ),
    "batch_norm_epsilon": Values(float, "batch norm's epsilon", minimum=1e-12, maximum=1),
    "batch_norm_momentum": Values(
        float, "batch norm's momentum, PyTorch's sense", minimum=0, maximum=1
    ),
}

assert tuple(RULES) == tuple(item.name for item in fields(Settings))
