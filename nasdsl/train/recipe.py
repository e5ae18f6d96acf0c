"""`Recipe`: how a network is trained, as data.

Purpose: every value of a training and the bounds within which it makes sense; the recipes that
ship with the package, read from `recipes/*.toml`, where each value names its source.
Non-goals: carrying a recipe out (`nasdsl.train.loop`); values given as words on a command line
(`nasdsl.train.changes`); where it runs (`nasdsl.train.execution`).
"""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Literal, get_type_hints

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, nearest
from nasdsl.values import Values, shown, values_of

Optimizer = Literal["sgd", "rmsprop", "adamw"]
Schedule = Literal["cosine", "exponential", "constant"]
Augmentation = Literal["none", "crop", "crop_flip", "inception"]
Whitening = Literal["dataset", "inception"]
Precision = Literal["fp32", "bf16"]

#: A number that says how much; the upper bound keeps out infinity and slips of the finger.
Amount = Annotated[float, Values(float, minimum=0, maximum=1e12)]
#: A share or a probability that is not all.
Share = Annotated[float, Values(float, minimum=0, maximum=1, below_maximum=True)]
#: A share that may be all.
FullShare = Annotated[float, Values(float, minimum=0, maximum=1)]
#: The side of a square, in pixels.
Side = Annotated[int, Values(int, minimum=0, maximum=16_384, unit="pixels")]

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
    epochs: Annotated[int, Values(int, minimum=1, maximum=100_000)]
    batch: Annotated[int, Values(int, minimum=1, maximum=1_000_000)]
    optimizer: Optimizer
    lr: Amount
    schedule: Schedule
    lr_decay: FullShare
    lr_decay_epochs: Annotated[float, Values(float, minimum=1e-3, maximum=100_000)]
    warmup: Amount
    momentum: Share
    nesterov: bool
    rho: Share
    epsilon: Amount
    weight_decay: Amount
    clip: Amount
    label_smoothing: FullShare
    auxiliary_weight: Amount
    drop_path: Share
    dropout: Share
    ema: Share
    augmentation: Augmentation
    cutout: Side
    whitening: Whitening
    held_out: Share
    image_size: Side
    precision: Precision

    def __post_init__(self) -> None:
        findings = []
        for name, values in VALUES.items():
            given = getattr(self, name)
            legal = values.legal(given)
            if legal is None:
                findings.append(_illegal(name, given, self.name))
            elif legal != given:
                # A text. A whole number where others are legal stays as it is written.
                object.__setattr__(self, name, legal)
        if findings:
            raise CellError(tuple(findings))

    def changed(self, **values: object) -> "Recipe":
        """This recipe with other values.

        Raises:
            CellError: NAS821 for each name that is no value of a recipe, NAS822 for each value
                it cannot have.
        """
        findings = [_unknown(name) for name in values if name not in VALUES]
        findings += [
            _illegal(name, value, self.name)
            for name, value in values.items()
            if name in VALUES and VALUES[name].legal(value) is None
        ]
        if findings:
            raise CellError(tuple(findings))
        legal = {name: VALUES[name].legal(value) for name, value in values.items()}
        return replace(self, **legal)


def _values() -> dict[str, Values]:
    hints = get_type_hints(Recipe, include_extras=True)
    del hints["name"]
    allowed = {name: values_of(hint) for name, hint in hints.items()}
    return {name: values for name, values in allowed.items() if values is not None}


#: What each value of a recipe may be, in the order of the fields.
VALUES = MappingProxyType(_values())


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
    guess = nearest(name, VALUES)
    hint = f"did you mean `{guess}`?" if guess else f"there are {', '.join(VALUES)}"
    return Diagnostic("NAS821", f"`{name}` is not a value of a recipe", hints=(hint,))


def _illegal(name: str, value: object, owner: str) -> Diagnostic:
    given = value[:40] if isinstance(value, str) else shown(value)
    return Diagnostic(
        "NAS822",
        f"`{name}` of recipe `{owner}` cannot be `{given}`",
        hints=(f"it is {VALUES[name].description}",),
    )
