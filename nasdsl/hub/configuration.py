"""`config.json` of a published model.

It has the `.cell` text, from which the network is built, and what timm reads of a model: the
arguments of its architecture `nasdsl`, and how images are prepared.
"""

import json
from typing import Any

from nasdsl.documents import json_value
from nasdsl.errors import cell_error
from nasdsl.hub.published import PublishedModel
from nasdsl.version import __version__

#: The architecture that `register_with_timm` adds to timm.
ARCHITECTURE = "nasdsl"


def configuration(model: PublishedModel) -> dict[str, Any]:
    """The members of the file."""
    chosen = model.graph.configuration
    net: Any = model.network
    prepared = model.preparation
    return {
        "architecture": ARCHITECTURE,
        "library_name": "nasdsl",
        "library_version": __version__,
        "num_classes": chosen.classes,
        "num_features": net.num_features,
        **({"label_names": list(prepared.classes)} if prepared and prepared.classes else {}),
        "model_args": {"cell": model.text},
        "pretrained_cfg": timm_configuration(model),
    }


def timm_configuration(model: PublishedModel) -> dict[str, Any]:
    """What timm calls `pretrained_cfg`: how images are prepared, and which layers vary."""
    chosen, prepared = model.graph.configuration, model.preparation
    size, channels = chosen.image_size, chosen.input_channels
    if prepared is None:
        looks: dict[str, Any] = {"mean": [0.5] * channels, "std": [0.5] * channels}
    else:
        # timm resizes to a share of what it crops.
        share = round(prepared.size / prepared.resized, 6)
        looks = {
            "mean": list(prepared.mean),
            "std": list(prepared.deviation),
            "crop_pct": share,
            "interpolation": "bilinear",
        }
    from torch import nn

    layers = list(model.network.named_modules())
    first = next(name for name, layer in layers if isinstance(layer, nn.Conv2d))
    classifiers = [name for name, layer in layers if isinstance(layer, nn.Linear)]
    return {
        "num_classes": chosen.classes,
        "input_size": [channels, size, size],
        "first_conv": first,
        "classifier": classifiers,
        **looks,
    }


def configuration_text(model: PublishedModel) -> str:
    """The content of the file."""
    return json.dumps(configuration(model), indent=2, ensure_ascii=False) + "\n"


def cell_text(content: bytes, where: str) -> str:
    """The `.cell` text in a configuration.

    Raises:
        CellError: NAS802, it has none.
    """
    try:
        text = json_value(content)["model_args"]["cell"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise cell_error(
            "NAS802",
            f"{where} does not say which network the weights belong to",
            "`nasdsl publish` and `nasdsl.hub.save_pretrained` write one that does",
        )
    return text
