"""`Execution`: how a training is run, apart from what it computes.

Purpose: one value for the choices that the machine asks for.
Non-goals: precision and batch size, which change the result and are the recipe's.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Execution:
    """How a training is run; what it computes is the recipe's and the seed's.

    Attributes:
        device: in PyTorch's words; None takes an accelerator where there is one.
        accumulation: parts into which each process cuts its share of a batch, taken one
            after the other to save memory.
        compile: run the network through `torch.compile`.
        channels_last: keep images and convolutions in that memory format.
        workers: processes that load images; 0 loads them between the steps.
    """

    device: str | None = None
    accumulation: int = 1
    compile: bool = False
    channels_last: bool = False
    workers: int = 0
