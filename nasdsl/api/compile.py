"""`nasdsl.compile`: a network from a name, a path or a genotype.

Purpose: put the stages together: what is asked for, the graph, a backend.
Non-goals: what backends make; files (`nasdsl compile` and the backends write those).
"""

from collections.abc import Sequence
from typing import Any

from nasdsl import backend as backends
from nasdsl import weights
from nasdsl.api.request import chosen_settings, requested
from nasdsl.errors import CellError, Diagnostic, did_you_mean, listed
from nasdsl.language.genotype.settings import RULES, nearest_setting
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.parser.read import drop_path_mode, is_model
from nasdsl.loading import NameOrPath
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import Pipeline

#: The option of a backend that a model file may have a value for.
_MODE = "drop_path_mode"


def compile(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    backend: str = "torch",
    passes: Sequence[str] | None = None,
    verify_passes: bool | None = None,
    **settings: Any,
) -> Any:
    """The network of a genotype, as a backend makes it: a `torch.nn.Module` by default.

    Args:
        source: a preset or another library name (`nasnet_a_large`), a path, or a genotype.
            A `.safetensors` file that nasdsl has written brings its weights along.
        ops: a vocabulary of the library to read the cells in, in place of their own:
            `nasnet_timm` gives NASNet-A as timm computes it.
        backend: the name of an installed backend; `nasdsl.backend.names()` has them.
        passes: names of installed passes to run on the graph, in their order, in place of
            the backend's own; `nasdsl.passes.PASSES.names()` has them.
        verify_passes: check after each pass that the graph is sound and its parameters are
            what they were. None does so where NASDSL_VERIFY_PASSES is set.
        **settings: network settings by name (`nasdsl.Settings`), which win over the
            source's own, and options of the backend. `torch` has `device`, `dtype`, `seed`
            and `drop_path_mode`, see `nasdsl_backends.torch.Network`.

    Raises:
        CellError: the source or the settings have mistakes; NAS501 for a keyword that is
            neither a setting nor an option of the backend; NAS701 to NAS704 where the
            backend is not there or cannot build the network; NAS720 to NAS722 where a pass
            is not there or fails; NAS801 and NAS802 where a file's weights do not fit the
            settings or are damaged.
    """
    options = {name: value for name, value in settings.items() if name not in RULES}
    chosen = {name: value for name, value in settings.items() if name in RULES}
    found = backends.find(backend)
    unknown = [name for name in options if name not in found.options]
    if unknown:
        raise CellError(tuple(_unknown(name, sorted(found.options)) for name in unknown))
    if not isinstance(source, Genotype) and is_model(source) and _MODE in found.options:
        options = {_MODE: drop_path_mode(source) or "scheduled", **options}
    graph = compiled_graph(source, ops=ops, **chosen)
    pipeline = Pipeline(None if passes is None else tuple(passes), verify_passes)
    made = backends.build(found, graph, pipeline, **options)
    if not isinstance(source, Genotype) and is_model(source) and _takes_weights(made):
        weights.load(made, source, layout="native")
    return made


def compiled_graph(
    source: NameOrPath | Genotype, *, ops: str | None = None, **settings: object
) -> NetworkGraph:
    """The graph that `compile` makes, before the backend's passes.

    Raises:
        CellError: as `compile` does; NAS501 for an unknown setting.
    """
    return requested(source, ops=ops, settings=chosen_settings(settings)).graph()


def _takes_weights(made: Any) -> bool:
    """Whether a backend has made a network with values, not a text or one without."""
    state = made.state_dict() if hasattr(made, "state_dict") else {}
    return bool(state) and not any(tensor.is_meta for tensor in state.values())


def _unknown(name: str, options: list[str]) -> Diagnostic:
    known = [*RULES, *options]
    guess = nearest_setting(name, options)
    hint = did_you_mean(guess) if guess else f"there are {listed(known)}"
    return Diagnostic("NAS501", f"unknown network setting or option `{name}`", hints=(hint,))
