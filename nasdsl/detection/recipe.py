"""`DetectionRecipe`: how a detector is trained, as data.

Purpose: every value of a training within bounds, and the shipped recipes, TOML files beside this
module that say where each value comes from.
Non-goals: where it is trained; networks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Annotated, Any, Literal

from nasdsl.documents import toml_values
from nasdsl.errors import CellError, Diagnostic, cell_error, name_hints
from nasdsl.train.recipe import Amount, FullShare, ShareBelowOne
from nasdsl.train.recipe_file import changes_of, recipe_file_values
from nasdsl.values import Values, field_values, require_types, shown, typed

RECIPE_NAMES = ("detection_quick", "detection")
_Steps = Annotated[int, Values(int, minimum=0, maximum=1_000_000_000)]


@dataclass(frozen=True, slots=True)
class DetectionRecipe:
    """What is done to train a detector.

    Attributes:
        name: which of the shipped recipes this is or was made from.
        epochs: times each image is seen.
        batch: images of a step.
        lr: learning rate after the warm-up.
        schedule: `steps` falls at two steps; `cosine` goes to zero.
        lr_factor: by which it falls.
        first_fall: the step at which it falls first; 0 never.
        second_fall: the step at which it falls again; 0 never.
        warmup: steps over which it rises from zero.
        momentum: of stochastic gradient descent.
        weight_decay: L2 of convolutions and matrices.
        clip: largest norm of all gradients together; 0 does not clip.
        flip: whether every other image is mirrored.
        style: `paper` or `fpn`.
        image_size: pixels a side of the square images are brought to; 0 takes the style's.
        proposals: boxes an image that reach the box head; 0 takes the style's.
        crop: pixels a side of what is cut out of the maps; 0 takes the style's.
        training_boxes: boxes an image that the box head is trained on; 0 takes the style's.
        least_anchor: pixels a side of the smallest anchor, of which each next is twice as large;
            0 takes the style's anchors.
        frozen_norm: whether batch norm keeps its statistics.
        norm_momentum: weight of the newest batch in them, where the network's text does not say; 0
            takes the skeleton's, which is for trainings of a hundred thousand steps.
        drop_paths: whether paths are dropped as often as the skeleton says, where neither a setting
            nor the network's text says how often.
    """

    name: str
    epochs: Annotated[int, Values(int, minimum=1, maximum=100_000)]
    batch: Annotated[int, Values(int, minimum=1, maximum=100_000)]
    lr: Amount
    schedule: Literal["steps", "cosine"]
    lr_factor: ShareBelowOne
    first_fall: _Steps
    second_fall: _Steps
    warmup: _Steps
    momentum: ShareBelowOne
    weight_decay: Amount
    clip: Amount
    flip: bool
    style: Literal["paper", "fpn"]
    image_size: Annotated[int, Values(int, minimum=0, maximum=16_384, unit="pixels")]
    proposals: Annotated[int, Values(int, minimum=0, maximum=1_000_000)]
    crop: Annotated[int, Values(int, minimum=0, maximum=256, unit="pixels")]
    training_boxes: Annotated[int, Values(int, minimum=0, maximum=1_000_000)]
    least_anchor: Annotated[int, Values(int, minimum=0, maximum=16_384, unit="pixels")]
    frozen_norm: bool
    norm_momentum: FullShare
    drop_paths: bool

    def changed(self, values: dict[str, Any]) -> "DetectionRecipe":
        """This recipe with other values.

        Raises:
            CellError: NAS821 for each name that is no value of a recipe, NAS822 for each value
                it cannot have.
        """
        findings, legal = [], {}
        for name, value in values.items():
            if name not in DETECTION_VALUES:
                hints = tuple(name_hints(name, DETECTION_VALUES))
                text = f"no recipe for detection has a value `{name:.40}`"
                findings.append(Diagnostic("NAS821", text, hints=hints))
                continue
            legal[name] = DETECTION_VALUES[name].legal(value)
            if legal[name] is None:
                what = DETECTION_VALUES[name].description
                text = f"{name} of recipe `{self.name}` is {what}, not {shown(value)}"
                findings.append(Diagnostic("NAS822", text))
        if findings:
            raise CellError(tuple(findings))
        return replace(self, **legal)

    def learning_rate(self, step: int, steps: int) -> float:
        """Of a step, counted from 0, of so many."""
        import math

        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.schedule == "cosine":
            rest = max(steps - self.warmup, 1)
            return self.lr * 0.5 * (1 + math.cos(math.pi * (step - self.warmup) / rest))
        falls = sum(0 < fall <= step for fall in (self.first_fall, self.second_fall))
        return self.lr * self.lr_factor**falls


#: What each value may be, in the order of the fields.
DETECTION_VALUES = {
    name: values for name, values in field_values(DetectionRecipe).items() if name != "name"
}


@typed
def detection_recipe(name: str, changes: Iterable[str] = ()) -> DetectionRecipe:
    """A shipped recipe by name, or one in a `.toml` file; with changes as `NAME=VALUE`.

    Raises:
        CellError: NAS820, no recipe has that name; NAS846, the file cannot be read; NAS821 and
            NAS822 for its values and the changes.
    """
    require_types(changes=(changes, Iterable))
    if name.endswith(".toml"):
        values = recipe_file_values(name)
        base = values.pop("base", RECIPE_NAMES[0])
        found = _shipped(base if isinstance(base, str) else "").changed(values)
    else:
        found = _shipped(name)
    return found.changed(changes_of(changes))


def _shipped(name: str) -> DetectionRecipe:
    if name not in RECIPE_NAMES:
        hints = name_hints(name, RECIPE_NAMES, f"there are {' and '.join(RECIPE_NAMES)}")
        raise cell_error("NAS820", f"no recipe for detection is called {name!r:.60}", *hints)
    text = (files("nasdsl.detection") / "recipes" / f"{name}.toml").read_text("utf-8")
    return DetectionRecipe(name, **toml_values(text))
