"""Zero-cost scores of untrained networks, one per file.

Each is found through an entry point `nasdsl.proxies`; `nasdsl.search.evaluators.proxy` builds the
networks and reads the images.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from nasdsl.registry import Registry


class Proxy(NamedTuple):
    """A score of an untrained network.

    Attributes:
        score: a function of the network and a batch of images, (B, C, H, W), to a number that
            is higher where training is expected to end better.
        takes_images: whether it looks at real images; else it is given one of ones.
    """

    score: Callable[[Any, Any], float]
    takes_images: bool


#: The installed scores.
PROXIES: Registry[Proxy] = Registry(
    kind="zero-cost score",
    group="nasdsl.proxies",
    type=Proxy,
    unknown="NAS882",
    extra="search",
    requirement="a zero-cost score is a `nasdsl.search.proxies.Proxy`",
    list_of_all="the scores are",
)
