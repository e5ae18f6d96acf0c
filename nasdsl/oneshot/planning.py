"""Planning a one-shot search: from a space, an algorithm, data and options to what a run does.

Purpose: one order of precedence for Python and the command line. A plan is made once, of a request
(`plan_one_shot`) or of what a run's folder says (`nasdsl.search.oneshot`).
Non-goals: the steps (`nasdsl.oneshot.training`), files.

Options are those of the algorithm, and the settings of the network by name. Where neither they nor
the space's text say it, the network has the size below, and the numbers of epochs and images a step
are the released ones, or fewer for few images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from nasdsl.devices import existing_device
from nasdsl.errors import CellError, Diagnostic, cell_error, listed, plural
from nasdsl.language.genotype.settings import NO_SETTINGS, RULES, Settings
from nasdsl.language.genotype.types import Space
from nasdsl.memory import require_room
from nasdsl.oneshot.method import METHODS, Method, OneShotOptions
from nasdsl.oneshot.supernet import space_with_settings
from nasdsl.train.data.datasets import datasets
from nasdsl.train.data_sets import DATA_SETS
from nasdsl.train.execution import ensure_installed
from nasdsl.train.planning import network_settings
from nasdsl.train.recipe import Recipe, recipe

if TYPE_CHECKING:
    from nasdsl.train.data import Splits

#: Of a weight.
_BYTES = 4
#: Images are normalised as for the children of a search.
_RECIPE = "search"
#: DARTS's width and, with two reductions, its eight layers; for images of up to 16 pixels less.
_SIZES, _TINY_SIZES, _TINY = {"N": 2, "cell_filters": 16}, {"N": 1, "cell_filters": 8}, 16
#: Below so many images to train weights on, the released epochs are few steps, after which the
#: released learning rates leave weights near where they began (docs/one_shot.md has figures). So
#: there are at most so many epochs, but of small batches, and it learns at least so fast.
_FEW = 10_000
_FEW_BOUNDS: dict[str, tuple[Any, float]] = {
    "epochs": (min, 50),
    "batch": (min, 32),
    "lr": (max, 0.1),
}


@dataclass(frozen=True, slots=True)
class OneShotPlan:
    """What a one-shot search does, every value decided.

    Attributes:
        space: with every setting that was decided.
        method: the algorithm.
        options: its options.
        splits: the data: `train` for the weights, `held_out` for the architecture.
        own: the settings that the text of the space had, and that of a member gets.
        seed: of the first weights and of all that is drawn.
        device: in PyTorch's notation; None for the CPU.
        remarks: what was decided without being asked for, in sentences.
    """

    space: Space
    method: Method
    options: OneShotOptions
    splits: "Splits"
    own: Settings = NO_SETTINGS
    seed: int = 0
    device: str | None = None
    remarks: tuple[str, ...] = ()

    def supernet(self) -> Any:
        """The super-network, with its first weights.

        Raises:
            CellError: as `nasdsl.supernet` does.
        """
        from nasdsl.oneshot.supernet import supernet

        method = self.method
        more = {name: getattr(self.options, name) for name in method.supernet}
        return supernet(
            self.space,
            relaxation=method.relaxation,
            sharing=method.sharing,
            affine=method.affine,
            seed=self.seed,
            device=self.device or "cpu",
            **more,
        )

    def require_possible(self) -> None:
        """Refuse a space that the method's super-network cannot be made of; nothing is drawn.

        Raises:
            CellError: as `nasdsl.supernet` does: NAS890, NAS891, or what a member is refused for;
                NAS707, its weights are larger than the memory, or the device cannot be used.
        """
        net = replace(self, device="meta").supernet()
        if self.device is not None:
            existing_device(self.device)
        if self.device in (None, "cpu"):
            require_room(net.graph.numbers * _BYTES)

    def option_texts(self) -> dict[str, Any]:
        """The options by name, as plain values."""
        return {field.name: getattr(self.options, field.name) for field in fields(self.options)}


def plan_one_shot(
    space: Space,
    algorithm: str,
    *,
    data: str = "digits",
    options: Mapping[str, object] | Sequence[str] = (),
    seed: int = 0,
    download: bool = False,
) -> OneShotPlan:
    """What a one-shot search would do, and its data; nothing is written.

    Args:
        space: what to search.
        algorithm: the name of an entry point of `nasdsl.oneshot`.
        data: as `nasdsl.train.datasets` takes it.
        options: of the algorithm and of the network, and `device`: by name, or as `KEY=VALUE`.
        seed: of the first weights and of all that is drawn.
        download: fetch the data where they are missing.

    Raises:
        CellError: NAS604, the space has one member; NAS880, NAS881, NAS501, NAS502 about the
            algorithm, its options and the settings; NAS844, NAS891; what the data are refused for.
    """
    METHODS.require(algorithm)
    given = dict(options) if isinstance(options, Mapping) else _texts(options)
    DATA_SETS.require(data.partition(":")[0])
    space_with_settings(space, {})
    ensure_installed()
    method = METHODS.find(algorithm)
    device = given.pop("device", None)
    network = {name: given.pop(name) for name in list(given) if name in RULES}
    settings = Settings(**_legal(network))
    chosen = method.options_with(given)
    size = settings.image_size or space.settings.image_size
    splits = datasets(data, images_recipe(chosen, size), download=download)
    chosen, whole = _for_tiny_images(chosen, splits, given.keys())
    if whole:
        splits = datasets(data, images_recipe(chosen, size))
    chosen, fewer = _for_few_images(chosen, splits, given.keys())
    placed, sizes = _with_settings(space, settings, splits, images_recipe(chosen, size))
    held_out = len(splits.held_out) if splits.held_out is not None else 0
    if min(len(splits.train), held_out) < 1:
        raise cell_error("NAS826", "there are no images to learn an architecture from")
    return OneShotPlan(
        placed,
        method,
        chosen,
        splits,
        space.settings,
        seed,
        None if device is None else str(device),
        (*fewer, *whole, *sizes, *_untrained(chosen)),
    )


def images_recipe(options: OneShotOptions, size: int | None) -> Recipe:
    """What a method's options say of images, as a recipe.

    Args:
        options: of the method.
        size: pixels a side that images are brought to; None takes them as the data has them.
    """
    names = ("held_out", "augmentation", "crop")
    wanted = recipe(_RECIPE, **{name: getattr(options, name) for name in names})
    return wanted if size is None else wanted.changed(image_size=size)


def _texts(words: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise cell_error("NAS881", f"the option {word!r:.60} is not of the form KEY=VALUE")
        found[key.strip()] = value.strip()
    return found


def _legal(given: Mapping[str, object]) -> dict[str, Any]:
    found = {name: RULES[name].legal(value) for name, value in given.items()}
    wrong = tuple(
        Diagnostic("NAS502", f"{name} is {RULES[name].description}, not {given[name]!r:.40}")
        for name, value in found.items()
        if value is None
    )
    if wrong:
        raise CellError(wrong)
    return found


def _for_few_images(
    chosen: OneShotOptions, splits: "Splits", given: Any
) -> tuple[OneShotOptions, tuple[str, ...]]:
    count = len(splits.train)
    better: dict[str, Any] = {}
    for name, (bounded, bound) in _FEW_BOUNDS.items() if count < _FEW else ():
        released = getattr(chosen, name)
        if name not in given and bounded(released, bound) != released:
            better[name] = bound
    size = better.get("batch", chosen.batch)
    if size > count:
        better["batch"] = count
    if not better:
        return chosen, ()
    words = listed((f"{name} = {value}" for name, value in better.items()), "and")
    before = listed((str(getattr(chosen, name)) for name in better), "and")
    values = "value is" if len(better) == 1 else "values are"
    remark = (
        f"{words}, because there are {plural(count, 'image')} to train weights on; the released "
        f"{values} {before}, and `--option` decides otherwise"
    )
    return replace(chosen, **better), (remark,)


def _for_tiny_images(
    chosen: OneShotOptions, splits: "Splits", given: Any
) -> tuple[OneShotOptions, tuple[str, ...]]:
    """Tiny images whole: a pixel is a large part of them."""
    size = splits.image_size
    if size > _TINY or "augmentation" in given or chosen.augmentation == "none":
        return chosen, ()
    remark = (
        f"`augmentation = none`, because images have {plural(size, 'pixel')} a side; the released "
        f"value is `{chosen.augmentation}`, and `--option` decides otherwise"
    )
    return replace(chosen, augmentation="none"), (remark,)


def _untrained(chosen: OneShotOptions) -> tuple[str, ...]:
    """Whether the architecture stays as it was drawn."""
    after = getattr(chosen, "alpha_after", 0)
    if after < chosen.epochs:
        return ()
    return (
        f"the architecture is not trained, because `alpha_after = {after}` leaves the first "
        f"{plural(after, 'epoch')} to the weights and `epochs = {chosen.epochs}`",
    )


def _with_settings(
    space: Space, settings: Settings, splits: "Splits", wanted: Any
) -> tuple[Space, tuple[str, ...]]:
    """The space with every setting; what the data decide, only they decide."""
    own = space.settings
    said = own.override(settings)
    for name, theirs in (("classes", splits.classes), ("input_channels", splits.channels)):
        ours = getattr(settings, name)
        if ours is not None and ours != theirs:
            raise cell_error(
                "NAS844",
                f"`{name}` is {ours}, and the data `{splits.name}` have {theirs}",
                "leave the option out: the data decide it",
            )
    implied = network_settings(splits, wanted, said.skeleton)
    for name in ("stem", "auxiliary", "drop_path", "dropout"):
        if getattr(own, name) is not None:
            implied.pop(name, None)
    tiny = splits.image_size <= _TINY
    sizes: dict[str, Any] = dict(_TINY_SIZES if tiny else _SIZES)
    if said.N is not None or said.layers is not None:
        del sizes["N"]
    if said.cell_filters is not None or said.filters is not None:
        del sizes["cell_filters"]
    final = Settings(**sizes).override(own).override(Settings(**implied)).override(settings)
    placed = space_with_settings(replace(space, settings=NO_SETTINGS), {**final.given()})
    words = {"N": "N = {}", "cell_filters": "{} filters in the first cell"}
    told = " and ".join(words[name].format(value) for name, value in sizes.items())
    why = f"for images of {plural(splits.image_size, 'pixel')}"
    remark = f"{told}, {why}; `--option N=...` and `--option cell_filters=...` decide otherwise"
    return placed, (remark,) if sizes else ()
