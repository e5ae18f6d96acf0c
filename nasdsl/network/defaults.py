"""Defaults of the settings, by skeleton and stem: the released configurations.

Purpose: one table of what is meant where nothing is said.
Non-goals: what depends on the genotype (`filters`) or on other settings (`stem_filters`);
`nasdsl.network.skeleton` works those out.

Sources: `nasnet` and `pnasnet` after the configurations of TensorFlow slim's
`nets/nasnet` (NASNet-A large and CIFAR-10, PNASNet-5 large), `darts` after quark0/darts
(`train.py`, `train_imagenet.py`). slim has no PNASNet for CIFAR-10; its row takes N and F
from the PNAS paper and the rest from NASNet-A's. The auxiliary classifier is left out unless
asked for: it only serves training, and published sizes leave it out.
"""

from typing import NamedTuple

from nasdsl.language.genotype.settings import SkeletonName, StemName


class Defaults(NamedTuple):
    """What is meant where nothing is said.

    Attributes:
        N: normal cells between reductions.
        cell_filters: F, the filters of the first cell; `filters` follows from it.
        image_size: pixels.
        skip_reduction_input: see `Settings`.
        drop_path: probability, one minus slim's `drop_path_keep_prob`.
        dropout: probability, one minus slim's `dense_dropout_keep_prob`.
        batch_norm_epsilon: added to the variance.
        batch_norm_momentum: one minus TensorFlow's decay.
    """

    N: int
    cell_filters: int
    image_size: int
    skip_reduction_input: bool
    drop_path: float
    dropout: float
    batch_norm_epsilon: float
    batch_norm_momentum: float


DEFAULTS: dict[tuple[SkeletonName, StemName], Defaults] = {
    ("nasnet", "imagenet"): Defaults(6, 168, 331, True, 0.3, 0.5, 1e-3, 3e-4),
    ("nasnet", "cifar"): Defaults(6, 32, 32, False, 0.4, 0.0, 1e-5, 0.1),
    ("pnasnet", "imagenet"): Defaults(4, 216, 331, False, 0.4, 0.5, 1e-3, 3e-4),
    ("pnasnet", "cifar"): Defaults(3, 48, 32, False, 0.4, 0.0, 1e-5, 0.1),
    ("amoebanet", "imagenet"): Defaults(6, 190, 331, False, 0.3, 0.5, 1e-3, 3e-4),
    ("amoebanet", "cifar"): Defaults(6, 36, 32, False, 0.3, 0.0, 1e-3, 3e-4),
    ("enas", "imagenet"): Defaults(4, 48, 224, False, 0.4, 0.2, 1e-5, 0.1),
    ("enas", "cifar"): Defaults(5, 36, 32, False, 0.4, 0.2, 1e-5, 0.1),
    ("darts", "imagenet"): Defaults(4, 48, 224, False, 0.0, 0.0, 1e-5, 0.1),
    ("darts", "cifar"): Defaults(6, 36, 32, False, 0.2, 0.0, 1e-5, 0.1),
}

CLASSES: dict[StemName, int] = {"imagenet": 1000, "cifar": 10}
#: Channels of the ImageNet stem's first convolution where F does not decide: slim's
#: int(32 * stem_multiplier), 3 in the large networks, and AmoebaNet's `stem_reduction_size`.
IMAGENET_STEM_FILTERS: dict[SkeletonName, int] = {
    "nasnet": 96,
    "pnasnet": 96,
    "amoebanet": 32,
    "enas": 32,
}
#: The CIFAR stems have three times the first cell's filters, in slim and in DARTS.
CIFAR_STEM_MULTIPLIER = 3
