"""`nasdsl.supernet`: a super-network from a name, a path or a space.

Purpose: put the stages together: a space with its settings, its graph, a backend.
Non-goals: training it (`nasdsl.oneshot.algorithms`).
"""

from dataclasses import replace
from typing import Any, Literal

from nasdsl import backend as backends
from nasdsl.api.request import chosen_settings, keywords_of, unknown_keyword
from nasdsl.errors import CellError, cell_error, listed
from nasdsl.language.genotype.settings import RULES
from nasdsl.language.genotype.types import Space
from nasdsl.loading import NameOrPath, load_space
from nasdsl.oneshot.graph import super_graph
from nasdsl.oneshot.mixing import ensure_sums
from nasdsl.values import require_types

Relaxation = Literal["path", "softmax", "gumbel", "partial"]
Sharing = Literal["slots", "edges"]
RELAXATIONS: tuple[Relaxation, ...] = ("path", "softmax", "gumbel", "partial")


def supernet(
    source: NameOrPath | Space,
    *,
    relaxation: Relaxation = "path",
    sharing: Sharing | None = None,
    affine: bool = True,
    k: int = 4,
    backend: str = "torch",
    **settings: Any,
) -> Any:
    """All members of a space as one network that shares weights: a `torch.nn.Module`.

    Args:
        source: a space of the library, a path, or a space.
        relaxation: `path` runs one member at a time: `net.choose(genotype)`, `net(images)`,
            `net.member(genotype)`. `softmax` mixes all options (DARTS), and `gumbel` draws one
            of each choice at each call (GDAS); `net.alphas` are the architecture's parameters
            and `net.derived()` the member they lead to. `partial` mixes as `softmax` does, with
            ops that see a k-th of the channels and weights of the inputs, `net.betas`
            (PC-DARTS). The three need options of one shape.
        sharing: `slots` gives each operand of a block weights of its own, by cell, block,
            operand, input and op (ENAS); `edges` lets the two operands of a block share them
            where both have the same open choices (DARTS). None means `slots` where one member
            runs at a time, and `edges` where options are mixed.
        affine: whether batch norms in cells have scales and shifts; in DARTS's super-network
            they have none.
        k: of `partial`; it divides the filters of every cell.
        backend: the name of an installed backend that builds super-networks.
        **settings: network settings by name (`nasdsl.Settings`), which win over the space's
            own, and options of the backend: `device`, `dtype`, `seed` and `drop_path_mode` of
            `torch`.

    Raises:
        CellError: the space or the settings have mistakes; NAS604, the space leaves nothing
            open; NAS890, options cannot share weights or be mixed; NAS891, an argument has an
            illegal value.
    """
    require_types(source=(source, NameOrPath | Space), backend=(backend, str))
    _ensure_one_of("relaxation", relaxation, RELAXATIONS)
    sharing = sharing or ("slots" if relaxation == "path" else "edges")
    _ensure_one_of("sharing", sharing, ("slots", "edges"))
    options = {name: value for name, value in settings.items() if name not in RULES}
    space = space_with_settings(
        source, {name: value for name, value in settings.items() if name in RULES}
    )
    found = backends.find(backend)
    build = getattr(found, "supernet", None)
    if build is None:
        raise cell_error("NAS704", f"backend `{backend}` does not build super-networks")
    unknown = [name for name in options if name not in found.options]
    if unknown:
        names = [*sorted(found.options), *keywords_of(supernet)]
        raise CellError(tuple(unknown_keyword(name, names) for name in unknown))
    if relaxation == "partial":
        _ensure_divisor(k)
        # Before channels are counted, of which a `concat` gives more than the cell has.
        for cell in space.cells:
            ensure_sums(cell, space.vocabulary)
    graph = super_graph(space, sharing == "edges", k if relaxation == "partial" else 1)
    return build(graph, relaxation, affine=affine, **options)


def space_with_settings(source: NameOrPath | Space, settings: dict[str, object]) -> Space:
    """A space with something open, and settings put over its own.

    Raises:
        CellError: what `load_space` raises; NAS501 and NAS502 for settings; NAS604, it has one
            member; NAS891, the settings fix the width of the last cell.
    """
    space = source if isinstance(source, Space) else load_space(source)
    if space.is_genotype:
        raise cell_error(
            "NAS604",
            f"space `{space.name}` has no open decisions, so a super-network would be its one "
            "member",
            "a field is left open with `?` or a choice such as `{add | concat}`",
            f"`nasdsl.compile({space.name!r})` builds the member",
        )
    chosen = space.settings.override(chosen_settings(settings))
    if chosen.filters is not None:
        raise cell_error(
            "NAS891",
            "the members of a space differ in the width of their last cell, and `filters` fixes it",
            "fix that of the first cell: `cell_filters`",
        )
    return replace(space, settings=chosen)


def _ensure_divisor(k: object) -> None:
    if type(k) is not int or k < 2:
        raise cell_error("NAS891", f"k is a whole number of at least 2, not {k!r:.40}")


def _ensure_one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        text = f"{name} is {listed(known, 'or')}, not {value!r:.40}"
        raise cell_error("NAS891", text)
