"""Passes, and the pipeline that runs them.

Purpose: the type of a pass, the installed ones, and `run`, which the compiler calls for every
backend. A package offers a pass by an entry point of the group `nasdsl.passes`.
Non-goals: which passes a backend wants (`nasdsl.backend`), or a runtime (`nasdsl.runtimes`).
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from nasdsl.errors import CellError, cell_error
from nasdsl.network.graph import NetworkGraph, Ref
from nasdsl.network.verify import verified
from nasdsl.primitives import PRIMITIVES, Sizes
from nasdsl.registry import Registry
from nasdsl.values import require_types, typed

#: Where this is set to anything but 0, every pass is verified unless the caller says otherwise.
VERIFY_VARIABLE = "NASDSL_VERIFY_PASSES"


@dataclass(frozen=True, slots=True)
class Pass:
    """A rewriting of networks: sound graph in, sound graph out, the same function.

    It leaves every parameter its name and shape, makes a new graph by
    `NetworkGraph.with_modules`, and lets modules that compute the same share a body. A pass for
    inference keeps the function in evaluation only. It may leave out what only training needs and
    may change parameters, for each of which `NetworkGraph.tensors` says how.

    Attributes:
        name: the entry point's name.
        run: the rewriting.
        help: what it does, in a few words.
        drops_parameters: whether it may leave out parameters that no result needs.
        inference: whether it is for inference; the graph it makes is, then.
    """

    name: str
    run: Callable[[NetworkGraph], NetworkGraph]
    help: str = ""
    drops_parameters: bool = False
    inference: bool = False


#: The installed passes.
PASSES: Registry[Pass] = Registry(
    kind="pass",
    group="nasdsl.passes",
    type=Pass,
    unknown="NAS720",
    ambiguous="NAS721",
    unusable="NAS722",
    requirement="a pass is a `nasdsl.passes.Pass`",
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Which passes a graph goes through on its way to a backend, and how.

    Attributes:
        names: the passes in their order; None has those that the backend asks for.
        verify: see `run`.
        after: see `run`.
    """

    names: tuple[str, ...] | None = None
    verify: bool | None = None
    after: Callable[[str, NetworkGraph], None] | None = None


AS_THE_BACKEND_ASKS = Pipeline()

#: The passes for inference that pay everywhere, in their order.
FOR_INFERENCE = ("inference", "merge", "hoist", "sink", "fold")
#: Those for what keeps images in blocks of channels.
FOR_BLOCKS = (*FOR_INFERENCE, "pad")


@typed
def pass_names(passes: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names of passes as a caller gives them.

    Raises:
        CellError: NAS008, they are not names.
    """
    require_types(passes=(passes, Sequence | None))
    if passes is None:
        return None
    for name in passes:
        require_types(passes=(name, str))
    return tuple(passes)


@typed
def run(
    graph: NetworkGraph,
    names: Iterable[str],
    *,
    verify: bool | None = None,
    after: Callable[[str, NetworkGraph], None] | None = None,
) -> NetworkGraph:
    """The graph after some passes, one by one.

    Args:
        graph: the network; `NetworkGraph.plain` of the result is what it was before any pass.
        names: the passes, in their order; a name may come more than once.
        verify: whether to check, after each, that the graph is sound and its parameters are
            what they were. None does so where the variable NASDSL_VERIFY_PASSES is set.
        after: called after each pass with its name and the graph it made.

    Raises:
        CellError: NAS720 to NAS722 and NAS701 where a pass is not there or cannot be used,
            before any has run; NAS722 where one fails or, verified, breaks the graph.
    """
    require_types(names=(names, Iterable))
    chosen = [PASSES.find(name) for name in names]
    if verify is None:
        verify = os.environ.get(VERIFY_VARIABLE, "0") not in ("", "0")
    for each in chosen:
        made = replace(
            _after(each, graph),
            before=graph.plain,
            inference=graph.inference or each.inference,
            passes=(*graph.passes, each.name),
        )
        if verify:
            _ensure_sound(each, graph, made)
        graph = made
        if after is not None:
            after(each.name, graph)
    return graph


def _after(each: Pass, graph: NetworkGraph) -> NetworkGraph:
    try:
        made = each.run(graph)
    except CellError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise cell_error(
            "NAS722",
            f"pass `{each.name}` fails on `{graph.name}`",
            f"{type(error).__name__}: {reason}",
            "`--passes` names the passes to run in place of the backend's own",
        ) from error
    if not isinstance(made, NetworkGraph):
        raise cell_error("NAS722", f"pass `{each.name}` gives a {type(made).__name__}, not a graph")
    return made


def _ensure_sound(each: Pass, before: NetworkGraph, made: NetworkGraph) -> None:
    try:
        verified(made)
    except CellError as error:
        (found,) = error.diagnostics
        raise cell_error(
            "NAS722", f"pass `{each.name}` breaks `{made.name}`", found.message
        ) from None
    old, new = _owned(before), _owned(made)
    changed = {name for name in new if old.get(name) != new[name]}
    if each.inference:
        plain = _owned(made.plain)
        changed -= {name for name, one in made.tensors.items() if one.names() <= plain.keys()}
    elif not each.drops_parameters:
        changed |= old.keys() - new.keys()
    if changed:
        raise cell_error(
            "NAS722",
            f"pass `{each.name}` changes the parameters of `{made.name}`",
            f"`{min(changed)}` is not what it was",
        )
    if _results(made, each.inference) != _results(before, each.inference):
        raise cell_error("NAS722", f"pass `{each.name}` renames the results of `{made.name}`")


def _results(graph: NetworkGraph, inference: bool) -> tuple[Ref, Ref | None]:
    """What a network gives; in evaluation, the auxiliary classifier does not count."""
    return graph.logits, None if inference else graph.auxiliary_logits


def _owned(graph: NetworkGraph) -> dict[str, Sizes]:
    return {
        f"{node.name}.{tensor.name}": tensor.sizes
        for _, node in graph.nodes()
        for tensor in PRIMITIVES[node.primitive].tensors(node)
    }
