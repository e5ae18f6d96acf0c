"""`register_with_timm`: networks of nasdsl for `timm.create_model`.

Purpose: the architecture `nasdsl`, for any `.cell` text and for published models
(`hf-hub:OWNER/NAME`, `local-dir:FOLDER`), and one for each network of the library:
`nasdsl_nasnet_a_mobile`.
Non-goals: weights of the library's networks, which nasdsl does not have.

timm calls a model by the name of the function that makes it, and takes a `/` in a name for a
repository, so `nasdsl/nasnet_a_mobile` cannot be a name.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nasdsl import library
from nasdsl.errors import cell_error
from nasdsl.hub.configuration import ARCHITECTURE, timm_configuration
from nasdsl.hub.published import PublishedModel
from nasdsl.loading import loads
from nasdsl.registry import require_packages

if TYPE_CHECKING:
    from torch.nn import Module

#: What timm calls our settings.
SETTINGS = {
    "num_classes": "classes",
    "in_chans": "input_channels",
    "img_size": "image_size",
    "drop_rate": "dropout",
    "drop_path_rate": "drop_path",
}


def register_with_timm() -> tuple[str, ...]:
    """Add our networks to those that `timm.create_model` makes; a second call changes nothing.

    Its arguments `num_classes`, `in_chans`, `img_size`, `drop_rate`, `drop_path_rate`,
    `features_only` and `out_indices` have their meaning there; others are network settings and
    options of the backend, as `nasdsl.compile` takes them.

    Returns:
        The names that timm knows now.

    Raises:
        CellError: NAS701, timm is not installed.
    """
    require_packages("models of timm need", ("timm",), "hub")
    from timm.models import is_model, register_model

    makers = {ARCHITECTURE: _of_text}
    for name in library.names():
        if library.base(name) is not None:
            makers[f"{ARCHITECTURE}_{name}"] = _of_library(name)
    for name, maker in makers.items():
        if not is_model(name):
            maker.__name__ = maker.__qualname__ = name
            register_model(maker)
    return tuple(makers)


def _of_text(pretrained: bool = False, *, cell: str | None = None, **arguments: Any) -> "Module":
    """The network of a `.cell` text; a published model brings its own."""
    if cell is None:
        raise cell_error(
            "NAS501",
            f"timm's model `{ARCHITECTURE}` needs the argument `cell`, a text",
            "models in a folder or on the Hub bring it along: `hf-hub:OWNER/NAME`",
        )
    return _model(loads(cell), pretrained, **arguments)


def _of_library(name: str) -> "Callable[..., Module]":
    def make(pretrained: bool = False, **arguments: Any) -> "Module":
        return _model(name, pretrained, **arguments)

    return make


def _model(
    source: Any,
    pretrained: bool,
    pretrained_cfg: dict[str, Any] | None = None,
    pretrained_cfg_overlay: dict[str, Any] | None = None,
    pretrained_model_args: dict[str, Any] | None = None,
    cache_dir: Any = None,
    features_only: bool = False,
    out_indices: Any = None,
    **arguments: Any,
) -> "Module":
    from timm.models import load_pretrained
    from timm.models._features import FeatureGetterNet

    from nasdsl.api.compile import compile

    settings = {SETTINGS.get(name, name): value for name, value in arguments.items()}
    size = settings.get("image_size")
    if isinstance(size, tuple | list) and len(set(size)) == 1:
        settings["image_size"] = size[0]
    without_classes = settings.get("classes") == 0
    if without_classes:
        del settings["classes"]
    net = compile(source, **settings)
    architecture = f"{ARCHITECTURE}_{source}" if isinstance(source, str) else ARCHITECTURE
    about = timm_configuration(PublishedModel(net)) | {"architecture": architecture}
    given = dict(pretrained_cfg or {}) | dict(pretrained_cfg_overlay or {})
    if pretrained:
        chosen = net.graph.configuration
        load_pretrained(
            net, about | given, num_classes=chosen.classes, in_chans=chosen.input_channels
        )
    if without_classes:
        net.reset_classifier(0)
    net.pretrained_cfg = net.default_cfg = about | given
    if features_only:
        stages = out_indices or tuple(range(len(net.feature_info)))
        return FeatureGetterNet(net, out_indices=stages)
    found: Module = net
    return found
