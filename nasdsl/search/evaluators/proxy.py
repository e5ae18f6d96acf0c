"""`proxy:NAME`: a score of the untrained network, in the time of one batch.

For example `proxy:naswot?data=digits&batch=128&N=2&cell_filters=16`: network settings by their
names, and `data` and `batch` where the score looks at images. Each score is a file in
`nasdsl.search.proxies`. A score is not an accuracy: it means something only beside others of the
same kind.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from nasdsl.api.compile import build
from nasdsl.errors import cell_error, listed
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.protocol import Report, Score
from nasdsl.search.proxies import PROXIES
from nasdsl.values import Values

_BATCH = 128
_BATCHES = Values(int, minimum=1, maximum=1_000_000, unit="images")


class _Batch(NamedTuple):
    """A batch of images, the settings a network needs to take them, and the name of the data."""

    images: Any
    settings: Settings
    name: str


class ProxyEvaluator:
    """Builds each genotype's network, draws its weights and scores it.

    Args:
        child: the network around it.
        score: a function of the network and of a batch.
        images: the batch, (B, C, H, W), or None for images of ones of the network's own size.
        data_name: the text that names the data, with an absolute path; None without data.
    """

    #: What is done with a network, in words.
    work = "scores, untrained,"

    def __init__(
        self,
        child: Child,
        score: Callable[[Any, Any], float],
        images: Any,
        data_name: str | None = None,
    ) -> None:
        self.child, self.score, self.images, self.data_name = child, score, images, data_name

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score with weights drawn by `seed`."""
        graph = self.child.graph(cells_of_text(text))
        cost = graph_cost(graph)
        module = build(graph, seed=seed)
        images = _ones(module) if self.images is None else self.images
        return Score(self.score(module, images), (), cost.params, cost.mult_adds)


def proxy_evaluator(what: str, options: dict[str, str]) -> ProxyEvaluator:
    """The evaluator of `proxy:NAME`.

    Raises:
        CellError: NAS882 for an unknown score or option.
    """
    proxy = PROXIES.find(what)
    child = child_from_options(options)
    data = _batch(options) if proxy.takes_images else None
    if options:
        raise cell_error("NAS882", f"the score `{what}` does not take {listed(options)}")
    if data is not None:
        child = Child(child.settings, child.cell_filters, data.settings)
    return ProxyEvaluator(child, proxy.score, data and data.images, data and data.name)


def _batch(options: dict[str, str]) -> _Batch:
    """The first images of the training set, as they are evaluated, not augmented."""
    import torch

    from nasdsl.train import datasets, network_settings, recipe

    text = options.pop("batch", str(_BATCH))
    count: int | None = _BATCHES.legal(text)
    if count is None:
        raise cell_error("NAS882", f"batch is {_BATCHES.description}, not {text!r:.40}")
    chosen = recipe("search", augmentation="none")
    data = datasets(options.pop("data", "digits"), chosen)
    settings = Settings(**network_settings(data, chosen))
    # Spread over the whole set: folders of images are in the order of their classes.
    count = min(count, len(data.train))
    places = [len(data.train) * at // count for at in range(count)]
    return _Batch(torch.stack([data.train[at][0] for at in places]), settings, data.name)


def _ones(module: Any) -> Any:
    import torch

    network = module.graph.configuration
    return torch.ones(1, network.input_channels, network.image_size, network.image_size)
