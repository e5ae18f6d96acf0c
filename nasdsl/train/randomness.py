"""Where every random number of a training run comes from.

Purpose: seeds that are functions of the run's seed and of the place they are used at: the
order of an epoch, the augmentation of one image, what one forward pass drops. No generator's
state has to be kept, because none outlives the place it was seeded for. A resumed run, a run
with other numbers of loading processes, and a run split over several devices draw the same.
Non-goals: initial weights (`nasdsl.compile(seed=...)` draws those).
"""

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Use = Literal["order", "image", "forward"]


def seed_of(seed: int, use: Use, *place: int) -> int:
    """A seed from 0 to 2^63 - 1 for one use at one place; unrelated to that of any other."""
    words = ",".join(map(str, (seed, use, *place)))
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest()) >> 1


def seed_torch(seed: int, device: "torch.device | None" = None) -> None:
    """Seed PyTorch's generator on the CPU, and that of `device` if it is another.

    `torch.manual_seed` would seed every device there is, which takes longer than drawing.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    if device is not None and device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device is not None and device.type == "mps":
        torch.mps.manual_seed(seed)
