"""`Recipe`: how a network is trained, as data.

Purpose: every value of a training and the bounds within which it makes sense; the recipes that
ship with the package, read from `recipes/*.toml`, where each value names its source.
Non-goals: carrying a recipe out (`nasdsl.train.loop`); values given as words on a command line
(`nasdsl.train.changes`); where it runs (`nasdsl.train.execution`).
"""

import tomllib
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args, get_type_hints

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, nearest

Optimizer = Literal["sgd", "rmsprop", "adamw"]
Schedule = Literal["cosine", "exponential", "constant"]
Augmentation = Literal["none", "crop", "crop_flip", "inception"]
Whitening = Literal["dataset", "inception"]
Precision = Literal["fp32", "bf16"]

#: The recipes that ship with the package.
NAMES = ("quick", "cifar", "imagenet", "search")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to train a network, and nothing about where.

    Attributes:
        name: which of the shipped recipes this is or was made from.
        epochs: times each training image is seen.
        batch: images of an optimizer step, over all devices.
        optimizer: `sgd` (with momentum), `rmsprop` (as TensorFlow has it) or `adamw`.
        lr: learning rate of the first step after the warm-up.
        schedule: `cosine` (one period, to zero), `exponential` or `constant`.
        lr_decay: factor of the exponential schedule.
        lr_decay_epochs: epochs between two of those factors.
        warmup: epochs over which the learning rate rises linearly from zero.
        momentum: of `sgd` and `rmsprop`; `adamw`'s first decay rate.
        nesterov: whether `sgd` looks ahead.
        rho: decay of `rmsprop`'s mean square; `adamw`'s second decay rate.
        epsilon: added to `rmsprop`'s mean square inside the root, to `adamw`'s outside.
        weight_decay: L2 of convolutions and the classifier's matrix; batch norm and biases are
            left alone. A part of the loss for `sgd` and `rmsprop`, decoupled for `adamw`.
        clip: largest norm of all gradients together; 0 does not clip.
        label_smoothing: share of a label spread over all classes.
        auxiliary_weight: of the auxiliary classifier's loss; 0 goes without that classifier.
        drop_path: probability, in the last cell at the end, of dropping a path.
        dropout: probability of dropping a feature before the last layer.
        ema: decay of the average of the weights that is evaluated; 0 evaluates the weights.
        augmentation: of the training images; see `nasdsl.train.data.views`.
        cutout: side in pixels of the square that is blanked in training images; 0 blanks none.
        whitening: `dataset` subtracts the training set's mean and divides by its deviation for
            each channel, `inception` maps to -1 to 1.
        held_out: share of the training images that is not trained on but evaluated.
        image_size: pixels a side the images are brought to; 0 takes them as the data has them.
        precision: `fp32`, or `bf16` for automatic mixed precision.
    """

    name: str
    epochs: int
    batch: int
    optimizer: Optimizer
    lr: float
    schedule: Schedule
    lr_decay: float
    lr_decay_epochs: float
    warmup: float
    momentum: float
    nesterov: bool
    rho: float
    epsilon: float
    weight_decay: float
    clip: float
    label_smoothing: float
    auxiliary_weight: float
    drop_path: float
    dropout: float
    ema: float
    augmentation: Augmentation
    cutout: int
    whitening: Whitening
    held_out: float
    image_size: int
    precision: Precision

    def __post_init__(self) -> None:
        findings = tuple(
            _illegal(name, getattr(self, name), self.name)
            for name in KINDS
            if KINDS[name].legal(getattr(self, name)) is None
        )
        if findings:
            raise CellError(findings)

    def changed(self, **values: object) -> "Recipe":
        """This recipe with other values.

        Raises:
            CellError: NAS821 for each name that is no value of a recipe, NAS822 for each value
                it cannot have.
        """
        findings = [_unknown(name) for name in values if name not in KINDS]
        findings += [
            _illegal(name, value, self.name)
            for name, value in values.items()
            if name in KINDS and KINDS[name].legal(value) is None
        ]
        if findings:
            raise CellError(tuple(findings))
        legal = {name: KINDS[name].legal(value) for name, value in values.items()}
        return replace(self, **legal)


class Kind(NamedTuple):
    """What a value of a recipe may be: a type, bounds that belong to it, or words."""

    type: type
    least: float = 0.0
    most: float = float("inf")
    most_excluded: bool = False
    words: tuple[str, ...] = ()

    def legal(self, value: object) -> Any:
        """`value` as this kind's type, or None where it is not one of them."""
        if self.words:
            return value if value in self.words else None
        if self.type is bool:
            return value if isinstance(value, bool) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.type is int and value != value // 1:
            return None
        # Says no to what is not a number, and infinity is beyond every bound that is said.
        inside = self.least <= value <= min(self.most, 1e12)
        if not inside or (self.most_excluded and value == self.most):
            return None
        return self.type(value)

    @property
    def said(self) -> str:
        """The kind in words, for a message."""
        if self.words:
            return listed(self.words, "or")
        if self.type is bool:
            return "`true` or `false`"
        noun = "a whole number" if self.type is int else "a number"
        if self.most == float("inf"):
            return f"{noun} from {self.least:g}"
        end = "below" if self.most_excluded else "to"
        return f"{noun} from {self.least:g} {end} {self.most:g}"


_SHARE = Kind(float, most=1.0, most_excluded=True)
_BOUNDS = {
    "epochs": Kind(int, least=1, most=100_000),
    "batch": Kind(int, least=1, most=1_000_000),
    "lr_decay": Kind(float, most=1.0),
    "lr_decay_epochs": Kind(float, least=1e-3, most=100_000),
    "cutout": Kind(int, most=16_384),
    "image_size": Kind(int, most=16_384),
    "label_smoothing": Kind(float, most=1.0),
    **dict.fromkeys(("momentum", "rho", "drop_path", "dropout", "ema", "held_out"), _SHARE),
}


def _kinds() -> dict[str, Kind]:
    hints = get_type_hints(Recipe)
    kinds = {}
    for item in fields(Recipe):
        hint = hints[item.name]
        words = get_args(hint)
        kinds[item.name] = _BOUNDS.get(item.name) or Kind(str if words else hint, words=words)
    del kinds["name"]
    return kinds


#: What each value of a recipe may be, in the order of the fields.
KINDS = MappingProxyType(_kinds())


def recipe(name: str, **values: object) -> Recipe:
    """A recipe that ships with the package, with some values changed.

    Raises:
        CellError: NAS820 for a name no recipe has, NAS821 and NAS822 as `Recipe.changed`.
    """
    return _shipped(name).changed(**values)


def recipe_text(name: str) -> str:
    """The file of a shipped recipe, in which comments say where its values come from.

    Raises:
        CellError: NAS820.
    """
    if name not in NAMES:
        guess = nearest(name, NAMES)
        hint = f"did you mean `{guess}`?" if guess else f"there are {listed(NAMES)}"
        raise cell_error("NAS820", f"unknown recipe `{name}`", hint)
    return (files("nasdsl.train") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")


@cache
def _shipped(name: str) -> Recipe:
    return Recipe(name=name, **tomllib.loads(recipe_text(name)))


def _unknown(name: str) -> Diagnostic:
    guess = nearest(name, KINDS)
    hint = f"did you mean `{guess}`?" if guess else f"there are {', '.join(KINDS)}"
    return Diagnostic("NAS821", f"`{name}` is not a value of a recipe", hints=(hint,))


def _illegal(name: str, value: object, owner: str) -> Diagnostic:
    shown = str(value)[:40]
    return Diagnostic(
        "NAS822",
        f"`{name}` of recipe `{owner}` cannot be `{shown}`",
        hints=(f"it is {KINDS[name].said}",),
    )
