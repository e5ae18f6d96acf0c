"""`nasdsl.compile`: a network from a name, a path or a genotype.

Purpose: put the stages together: what is asked for, the graph, a backend.
Non-goals: what backends make; running it (`nasdsl.api.proof`); files (`nasdsl.export`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Union, Unpack, overload

from nasdsl import backend as backends
from nasdsl import runtimes
from nasdsl.api.optimize import optimize
from nasdsl.api.request import chosen_settings, keywords_of, source_network, unknown_keyword
from nasdsl.api.trained import Trained, trained_part
from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.keywords import SettingsKeywords
from nasdsl.language.genotype.settings import RULES
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import AS_THE_BACKEND_ASKS, Pipeline, pass_names
from nasdsl.values import require_types

if TYPE_CHECKING:
    import torch

#: The option of a backend that a model file may have a value for.
_MODE = "drop_path_mode"


class TorchKeywords(SettingsKeywords, total=False):
    """Network settings, and the options of the backend `torch`."""

    device: Union["torch.device", str, int, None]
    dtype: Union["torch.dtype", str, None]
    seed: int | None
    drop_path_mode: Literal["scheduled", "plain"]


@overload
def compile(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    backend: Literal["torch"] = "torch",
    runtime: str | None = None,
    threads: int | None = None,
    passes: Sequence[str] | None = None,
    verify_passes: bool | None = None,
    **settings: Unpack[TorchKeywords],
) -> Any: ...


@overload
def compile(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    backend: str,
    runtime: str | None = None,
    threads: int | None = None,
    passes: Sequence[str] | None = None,
    verify_passes: bool | None = None,
    **settings: Any,
) -> Any: ...


def compile(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    backend: str = "torch",
    runtime: str | None = None,
    threads: int | None = None,
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
        runtime: the name of an installed runtime; `nasdsl.runtimes.RUNTIMES.names()` has them.
            The network is optimised for it, and a function of images (B, C, H, W) to logits
            comes back (`nasdsl.optimize`).
        threads: of the processor, for a runtime; PyTorch's number where it is None.
        passes: names of installed passes to run on the graph, in their order, in place of
            the backend's or the runtime's own; `nasdsl.passes.PASSES.names()` has them.
        verify_passes: check after each pass that the graph is sound and its parameters are
            what they were. None does so where NASDSL_VERIFY_PASSES is set.
        **settings: network settings by name (`nasdsl.Settings`), which win over the
            source's own, and options of the backend. `torch` has `device`, `dtype`, `seed`
            and `drop_path_mode`, see `nasdsl_backends.torch.Network`.

    Raises:
        CellError: the source or the settings have mistakes; NAS501 for a keyword that is
            neither a setting nor an option of the backend; NAS701 to NAS704 where the
            backend is not there or cannot build the network; NAS708 where the backend
            cannot drop paths as a model file says; NAS720 to NAS722 where a pass is not
            there or fails; with a runtime, what `nasdsl.optimize` raises; NAS801 and NAS802
            where a file's weights do not fit the settings or are damaged.
    """
    require_types(
        source=(source, NameOrPath | Genotype),
        ops=(ops, str | None),
        backend=(backend, str),
        runtime=(runtime, str | None),
        threads=(threads, int | None),
        verify_passes=(verify_passes, bool | None),
    )
    options = {name: value for name, value in settings.items() if name not in RULES}
    network = {name: value for name, value in settings.items() if name in RULES}
    ensure_options(backend, options, keywords_of(compile))
    trained = trained_part(source)
    graph = compiled_graph(source, ops=ops, **network)
    if runtime is not None:
        runtimes.find(runtime)
    pipeline = Pipeline(None if runtime else pass_names(passes), verify_passes)
    made = build(graph, trained, backend=backend, pipeline=pipeline, **options)
    if trained.weights is not None and _takes_weights(made):
        trained.weights.load_into(made)
    if runtime is None:
        return made
    return optimize(
        made.eval(),
        runtime=runtime,
        threads=threads,
        passes=pass_names(passes),
        verify_passes=verify_passes,
    )


def compiled_graph(
    source: NameOrPath | Genotype,
    *,
    ops: str | None = None,
    others: Iterable[str] = (),
    **settings: object,
) -> NetworkGraph:
    """The graph that `compile` makes, before the backend's passes.

    Args:
        source: as `compile` takes it.
        ops: another vocabulary of the library for the same cells.
        others: what else the caller takes by keyword, of which one may be misspelt.
        **settings: network settings by name.

    Raises:
        CellError: as `compile` does; NAS501 for an unknown setting.
    """
    return source_network(source, ops=ops, settings=chosen_settings(settings, others)).graph()


def build(
    graph: NetworkGraph,
    trained: Trained | None = None,
    *,
    backend: str = "torch",
    pipeline: Pipeline = AS_THE_BACKEND_ASKS,
    **options: Any,
) -> Any:
    """What a backend makes of a graph; weights are still as they were drawn.

    Args:
        graph: the network, as it was expanded.
        trained: what its source has brought along, of which the way paths are dropped
            concerns a backend.
        backend: the name of an installed backend.
        pipeline: the passes to run on it first.
        **options: the backend's own.

    Raises:
        CellError: NAS501, NAS701 to NAS708 and NAS720 to NAS722 as `compile` does; NAS801, the
            model that the graph is of has less than its weights.
    """
    ensure_options(backend, options)
    found = backends.find(backend)
    trained = trained or Trained()
    trained.require_enough(graph)
    if trained.passes is not None:
        # The file has the tensors that these passes made.
        pipeline = replace(pipeline, names=trained.passes)
    mode = trained.drop_path_mode
    if mode is not None and _MODE not in options:
        if _MODE in found.options:
            options = {_MODE: mode, **options}
        elif mode != "scheduled" and graph.configuration.drop_path:
            raise cell_error(
                "NAS708",
                f"backend `{backend}` drops paths as scheduled, and the model file has "
                f"drop_path_mode={mode!r:.40}",
                "the setting `drop_path=0` goes without",
            )
    return backends.build(found, graph, pipeline, **options)


def ensure_options(backend: str, options: dict[str, Any], others: Iterable[str] = ()) -> None:
    """Refuse what is neither a setting nor an option of a backend.

    Args:
        backend: its name.
        options: by name.
        others: what else the caller takes by keyword, of which one may be misspelt.

    Raises:
        CellError: NAS501 for each; NAS701 to NAS704, there is no such backend.
    """
    known = backends.find(backend).options
    unknown = [name for name in options if name not in known]
    if unknown:
        names = [*sorted(known), *others]
        raise CellError(tuple(unknown_keyword(name, names) for name in unknown))


def _takes_weights(made: Any) -> bool:
    """Whether a backend has made a network with values, not a text or one without."""
    state = made.state_dict() if hasattr(made, "state_dict") else {}
    return bool(state) and not any(tensor.is_meta for tensor in state.values())
