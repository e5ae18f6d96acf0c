"""`Method`: an algorithm that searches with a super-network, and what it needs.

Purpose: what an entry point `nasdsl.oneshot` leads to, the options that all methods have, and the
interface that the loop around the steps uses.
Non-goals: the algorithms, one file each; the loop (`nasdsl.oneshot.training`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple, Protocol

from nasdsl.errors import CellError, Diagnostic, name_hints
from nasdsl.language.genotype.types import Genotype
from nasdsl.oneshot.mixing import Strengths
from nasdsl.oneshot.supernet import Relaxation, Sharing
from nasdsl.registry import Registry
from nasdsl.train.recipe import Amount, Augmentation, Crop, ShareBelowOne
from nasdsl.values import Values, field_values, shown

#: Images (B, C, H, W) and labels (B).
Batch = tuple[Any, Any]
Times = Annotated[int, Values(int, minimum=1, maximum=100_000)]
Whole = Annotated[int, Values(int, minimum=0, maximum=100_000)]


@dataclass(frozen=True, slots=True)
class OneShotOptions:
    """What every method can be told; a method's own class has its released values.

    Attributes:
        epochs: times each image is seen by the weights.
        batch: images of a step, and as many for the architecture.
        held_out: share of the training images that the architecture learns from, and on which
            members are measured.
        lr: of the weights' SGD, at first.
        lr_min: at the end of the cosine.
        momentum: of SGD.
        weight_decay: of the weights.
        clip: the largest norm of the weights' gradient.
        stop: whether the search ends where more than half of the chosen ops are skips
            (`collapse`), with the genotype of the epoch before, or never.
        augmentation: of the images that weights learn from, as in a recipe. The released code of
            all methods mirrors random crops of padded images (quark0/darts `cnn/utils.py`).
        crop: what the crops are taken of, as in a recipe.
    """

    epochs: Times = 50
    batch: Times = 64
    held_out: Annotated[float, Values(float, minimum=1e-6, maximum=1, below_maximum=True)] = 0.5
    lr: Amount = 0.025
    lr_min: Amount = 0.001
    momentum: ShareBelowOne = 0.9
    weight_decay: Amount = 3e-4
    clip: Amount = 5.0
    stop: Annotated[str, Values(str, words=("never", "collapse"))] = "never"
    augmentation: Augmentation = "crop_flip"
    crop: Crop = "padded"


class Steps(NamedTuple):
    """How long a search is, and the seed of what it draws.

    Attributes:
        epochs: of the search.
        each: steps of an epoch.
        seed: of the run.
    """

    epochs: int
    each: int
    seed: int


class Algorithm(Protocol):
    """Trains a super-network and an architecture. It draws from PyTorch's generator alone.

    The generator is seeded before every call by the place of the call in the search.
    """

    def step(self, train: Batch, valid: Any) -> float:
        """A step of the weights on `train`, and of the architecture on the batch `valid`.

        Returns the cross-entropy on `train` before it, in nats.
        """
        ...

    def begin_epoch(self, epoch: int) -> None:
        """An epoch, counted from 0, is about to take its first step."""
        ...

    def end_epoch(self, valid: Iterable[Batch]) -> None:
        """An epoch has taken its last step; `valid` has batches without end."""
        ...

    def candidates(self, last: bool) -> list[Genotype]:
        """The members to measure after an epoch; the best of the last epoch's is the result."""
        ...

    def strengths(self) -> Mapping[str, Strengths]:
        """By the names of mixtures, how strong each option is now; empty where none is learned."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything but the network that the next steps depend on: tensors and plain values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """A one-shot algorithm.

    Attributes:
        name: as it is asked for.
        relaxation: of its super-network; see `nasdsl.supernet`.
        options: a dataclass of its options: those of `OneShotOptions` and its own, with defaults
            that are the released values.
        make: the algorithm of a super-network.
        sharing: of its super-network; None leaves it to the relaxation.
        affine: whether batch norms in cells have scales and shifts.
        supernet: the names of options that `nasdsl.supernet` takes.
        steps_validate: whether steps look at validation images; without, they are given none.
    """

    name: str
    relaxation: Relaxation
    options: type[OneShotOptions]
    make: Callable[[Any, Steps, Any], Algorithm]
    sharing: Sharing | None = None
    affine: bool = True
    supernet: tuple[str, ...] = ()
    steps_validate: bool = True

    def options_with(self, given: Mapping[str, object]) -> OneShotOptions:
        """The options with these values, which may be texts.

        Raises:
            CellError: every unknown option and illegal value, at once (NAS881).
        """
        known = field_values(self.options)
        found: dict[str, Any] = {}
        findings = []
        for name, value in given.items():
            legal = known[name].legal(value) if name in known else None
            if name not in known:
                has = f"its options are {', '.join(known)}, and those of the network"
                hints = name_hints(name, known, has)
                text = f"the algorithm `{self.name}` has no option {name!r:.60}"
                findings.append(Diagnostic("NAS881", text, hints=hints))
            elif legal is None:
                text = f"{name} of `{self.name}` is {known[name].description}, not {shown(value)}"
                findings.append(Diagnostic("NAS881", text))
            else:
                found[name] = legal
        if findings:
            raise CellError(tuple(findings))
        return self.options(**found)

    def names(self) -> list[str]:
        """The names of its options."""
        return [field.name for field in fields(self.options)]


#: The installed one-shot algorithms.
METHODS: Registry[Method] = Registry(
    kind="one-shot algorithm",
    group="nasdsl.oneshot",
    type=Method,
    unknown="NAS880",
    extra="train",
    requirement="an entry point of a one-shot algorithm leads to a `nasdsl.oneshot.method.Method`",
)
