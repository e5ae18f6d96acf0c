"""`HubModel`: how `huggingface_hub` reads and writes a model, by its own mixin.

This imports huggingface_hub; `nasdsl.hub.models` is what people call.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCard, ModelHubMixin, hf_hub_download

from nasdsl.api.compile import build, compiled_graph
from nasdsl.api.trained import Trained, WeightsFile, trained_part
from nasdsl.atomic_write import replace_text
from nasdsl.documents import MAX_DOCUMENT
from nasdsl.errors import cell_error
from nasdsl.export import write
from nasdsl.hub.card import model_card
from nasdsl.hub.configuration import cell_text, configuration_text
from nasdsl.hub.published import PublishedModel
from nasdsl.language.genotype.settings import RULES
from nasdsl.language.parser.read import MEMBER, model_metadata
from nasdsl.loading import loads

if TYPE_CHECKING:
    from torch.nn import Module

CONFIG, WEIGHTS = "config.json", "model.safetensors"


class HubModel(ModelHubMixin, library_name="nasdsl"):
    """A network with what `ModelHubMixin` adds: `push_to_hub`, `from_pretrained` and others.

    Args:
        model: what is published.
    """

    def __init__(self, model: PublishedModel) -> None:
        self.model = model

    def _save_pretrained(self, save_directory: Path) -> None:
        write(self.model.network, save_directory / WEIGHTS)
        replace_text(save_directory / CONFIG, configuration_text(self.model))

    def generate_model_card(self, *args: Any, name: str, **kwargs: Any) -> ModelCard:
        """The card; see `model_card`."""
        return model_card(self.model, name, **kwargs)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **settings: Any,
    ) -> "HubModel":
        def file(name: str) -> Path:
            if Path(model_id).is_dir():
                return Path(model_id) / name
            return Path(
                hf_hub_download(
                    model_id,
                    name,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            )

        return cls(PublishedModel(network_from(file(CONFIG), file(WEIGHTS), **settings)))


def network_from(config: Path, weights: Path, **settings: Any) -> "Module":
    """The network that a configuration describes, with its weights.

    Args:
        config: has the `.cell` text.
        weights: a safetensors file with our names, whoever has written it.
        **settings: network settings and options of the backend, as `nasdsl.compile` has them.

    Raises:
        CellError: NAS001, a file is missing; NAS801 and NAS802, the weights do not fit or the
            files are damaged; what `nasdsl.compile` raises.
    """
    genotype = loads(cell_text(_content(config), str(config)))
    trained = Trained(WeightsFile(weights, "native"))
    if MEMBER in model_metadata(weights):
        trained = trained_part(weights)  # ours, which also says how paths are dropped
    network = {name: value for name, value in settings.items() if name in RULES}
    options = {name: value for name, value in settings.items() if name not in RULES}
    net: Module = build(compiled_graph(genotype, **network), trained, **options)
    assert trained.weights is not None
    trained.weights.load_into(net)
    return net


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_DOCUMENT + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise cell_error("NAS001", f"cannot read {str(path)!r}: {reason}") from None
    if len(content) > MAX_DOCUMENT:
        raise cell_error("NAS802", f"{str(path)!r} is too large for a configuration")
    return content
