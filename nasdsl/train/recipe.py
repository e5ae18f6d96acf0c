"""`Recipe`: how a network is trained, as data.

A recipe has every value of a training, each within bounds in which it makes sense. The installed
recipes are found through entry points `nasdsl.recipes`, each leading to a package with a file
`NAME.toml`.
"""

from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType, ModuleType
from typing import Annotated, Any, Literal

from nasdsl.documents import toml_values
from nasdsl.errors import CellError, Diagnostic, cell_error, listed, name_hints
from nasdsl.registry import Registry
from nasdsl.values import Values, field_values, shown, typed

Optimizer = Literal["sgd", "rmsprop", "adamw"]
Schedule = Literal["cosine", "exponential", "constant"]
Augmentation = Literal["none", "crop", "crop_flip", "inception"]
Crop = Literal["padded", "upsampled"]
Whitening = Literal["dataset", "inception"]
Precision = Literal["fp32", "bf16", "fp16"]

#: A number that says how much; the upper bound excludes infinity and typing errors.
Amount = Annotated[float, Values(float, minimum=0, maximum=1e12)]
#: A share or a probability that is not all.
ShareBelowOne = Annotated[float, Values(float, minimum=0, maximum=1, below_maximum=True)]
#: A share that may be all.
FullShare = Annotated[float, Values(float, minimum=0, maximum=1)]
#: The side of a square, in pixels.
Side = Annotated[int, Values(int, minimum=0, maximum=16_384, unit="pixels")]

#: The installed recipes: each entry point leads to the package in which the recipe's file
#: `NAME.toml` lies.
RECIPES: Registry[ModuleType] = Registry(
    kind="recipe",
    group="nasdsl.recipes",
    type=ModuleType,
    unknown="NAS820",
    requirement="an entry point of a recipe leads to the package with its file NAME.toml",
    first=("quick", "cifar", "imagenet", "imagenet_mobile", "search"),
    list_of_all="there are",
)


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
        augmentation: of the training images; see `nasdsl.train.data.transforms`.
        cutout: side in pixels of the square that is blanked in training images; 0 blanks none.
        whitening: `dataset` subtracts the training set's mean and divides by its deviation for
            each channel, `inception` maps to -1 to 1.
        held_out: share of the training images that is not trained on but evaluated.
        image_size: pixels a side the images are brought to; 0 takes them as the data has them.
        precision: `fp32`; `bf16` or `fp16` for automatic mixed precision, the latter with a
            loss scaler and on CUDA alone.
        crop: what the augmentations `crop` and `crop_flip` take crops of: images that are
            `padded` by an eighth on each side, or `upsampled` to that size.
        clip_decay: whether the norm that `clip` bounds is that of the gradients with weight
            decay, where this is a part of the loss; otherwise it is added after the clip.

    Values with a default came later. A text with every other value, as old runs have one, means
    these: what was done before a recipe said it.
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
    momentum: ShareBelowOne
    nesterov: bool
    rho: ShareBelowOne
    epsilon: Amount
    weight_decay: Amount
    clip: Amount
    label_smoothing: FullShare
    auxiliary_weight: Amount
    drop_path: ShareBelowOne
    dropout: ShareBelowOne
    ema: ShareBelowOne
    augmentation: Augmentation
    cutout: Side
    whitening: Whitening
    held_out: ShareBelowOne
    image_size: Side
    precision: Precision
    crop: Crop = "padded"
    clip_decay: bool = False

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


#: What each value of a recipe may be, in the order of the fields.
VALUES = MappingProxyType(
    {name: values for name, values in field_values(Recipe).items() if name != "name"}
)


#: What the values that came later mean where a text has all the others.
LATER = MappingProxyType(
    {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}
)


@typed
def recipe(name: str, **values: object) -> Recipe:
    """An installed recipe, with some values changed.

    Raises:
        CellError: NAS820 for a name no recipe has, or a recipe that cannot be read; NAS821 and
            NAS822 as `Recipe.changed`.
    """
    return _installed_recipe(name).changed(**values)


def recipe_text(name: str) -> str:
    """The file of an installed recipe, in which comments say where its values come from.

    Raises:
        CellError: NAS820.
    """
    package = RECIPES.find(name)
    try:
        return (files(package) / f"{name}.toml").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        where = f"{package.__name__} has no readable file {name}.toml"
        raise cell_error("NAS820", f"the recipe `{name}` cannot be used: {where}") from error


@cache
def _installed_recipe(name: str, above: tuple[str, ...] = ()) -> Recipe:
    """The recipe of that name; `above` are those that are based on it."""
    text = recipe_text(name)
    try:
        values = toml_values(text)
    except ValueError as error:
        raise cell_error("NAS820", f"the recipe `{name}` is not TOML: {error}") from error
    base = values.pop("base", None)
    if base is None:
        return _complete_recipe(name, values)
    if not isinstance(base, str) or base in (name, *above):
        raise cell_error(
            "NAS820",
            f"the recipe `{name}` cannot be based on {shown(base)}",
            "`base` has to name another recipe that is not itself based on this one",
        )
    return replace(_installed_recipe(base, (name, *above)).changed(**values), name=name)


def _complete_recipe(name: str, values: dict[str, Any]) -> Recipe:
    missing = [field for field in VALUES if field not in {**LATER, **values}]
    if missing:
        raise cell_error(
            "NAS820",
            f"the recipe `{name}` lacks {listed(missing)}",
            'a recipe that has only some values is based on another: `base = "quick"`',
        )
    unknown = tuple(_unknown(field) for field in values if field not in VALUES)
    if unknown:
        raise CellError(unknown)
    return Recipe(name=name, **values)


def _unknown(name: str) -> Diagnostic:
    hints = name_hints(name, VALUES, f"there are {', '.join(VALUES)}")
    return Diagnostic("NAS821", f"`{name}` is not a value of a recipe", hints=hints)


def _illegal(name: str, value: object, owner: str) -> Diagnostic:
    given = value[:40] if isinstance(value, str) else shown(value)
    return Diagnostic(
        "NAS822",
        f"`{name}` of recipe `{owner}` cannot be `{given}`",
        hints=(f"it is {VALUES[name].description}",),
    )
