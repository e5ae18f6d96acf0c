"""PC-DARTS: DARTS on a part of the channels, with weights of the edges (Xu et al. 2020).

Purpose: the values of yuhuixu1993/PC-DARTS `train_search.py`, for CIFAR-10. Steps are DARTS's; what
differs is the super-network (`partial`), and that weights are trained alone at first.
"""

from dataclasses import dataclass
from typing import Annotated

from nasdsl.oneshot.darts import DartsOptions, make
from nasdsl.oneshot.method import Method, Times, Whole
from nasdsl.train.recipe import Amount
from nasdsl.values import Values


@dataclass(frozen=True, slots=True)
class PcDartsOptions(DartsOptions):
    """Values of `train_search.py`; `k` is that of `model_search.py`.

    Attributes:
        k: ops see a k-th of the channels.
    """

    batch: Times = 256
    lr: Amount = 0.1
    lr_min: Amount = 0.0
    alpha_lr: Amount = 6e-4
    alpha_after: Whole = 15
    k: Annotated[int, Values(int, minimum=2, maximum=1_000_000)] = 4


METHOD = Method(
    "pc_darts", "partial", PcDartsOptions, make, sharing="edges", affine=False, supernet=("k",)
)
