"""`RecordedPass`: a pass forward and backward, recorded as a CUDA graph and replayed at each step.

Purpose: a small network launches thousands of kernels a step, and the CPU takes longer to launch
them than the GPU to run them. Everything that a pass reads stays where it is: the images and
classes are copied to the same memory, weights, statistics and the progress of drop path are
changed in place, and random numbers come from PyTorch's generator, whose seed a replay reads.
Non-goals: what follows in a step, which is a few kernels for all weights together. It reads
numbers that differ from step to step (the learning rate, the decay of averages).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nasdsl.errors import CellError, cell_error, first_line
from nasdsl.memory import ran_out

#: Passes before the recording. They are real ones: a training loses no step to them.
_WARM_UP = 3


class RecordedPass:
    """A pass over batches of one shape.

    Args:
        run: adds to the gradients what images (B, C, H, W) and classes (B,) of the device give.
            The gradients are None when it is recorded; every replay overwrites them.
        device: where it computes.
        cuda: `torch.cuda`.
    """

    def __init__(
        self, run: Callable[[Tensor, Tensor], None], device: torch.device, cuda: Any = torch.cuda
    ) -> None:
        self.run, self.device, self.cuda = run, device, cuda
        self._before = 0
        self._graph: Any = None
        self._given: tuple[Tensor, Tensor] | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether gradients are where the recording has them, so that they have to stay."""
        return self._graph is not None

    def __call__(self, images: Tensor, labels: Tensor) -> None:
        """A pass over a batch.

        Raises:
            CellError: NAS707, it cannot be recorded.
        """
        with self.cuda.device(self.device):
            if self._graph is None and self._before < _WARM_UP:
                self._before += 1
                self._aside(images, labels)
                return
            if self._graph is None or self._given is None:
                self._given = images.clone(), labels.clone()
                self._graph = self._recorded(*self._given)
            for memory, new in zip(self._given, (images, labels), strict=True):
                memory.copy_(new, non_blocking=True)
            self._graph.replay()

    def _aside(self, images: Tensor, labels: Tensor) -> None:
        """A pass on another stream, as before a recording everything has to be."""
        current, aside = self.cuda.current_stream(), self.cuda.Stream()
        aside.wait_stream(current)
        with self.cuda.stream(aside):
            self.run(images, labels)
        current.wait_stream(aside)

    def _recorded(self, images: Tensor, labels: Tensor) -> Any:
        graph = self.cuda.CUDAGraph()
        try:
            with self.cuda.graph(graph):
                self.run(images, labels)
        except CellError:
            raise
        except RuntimeError as error:
            if ran_out(error):
                raise
            raise cell_error(
                "NAS707",
                "the training step cannot be recorded as a CUDA graph",
                f"PyTorch says: {first_line(error)}",
                "without `--cuda-graph` it runs call by call",
            ) from error
        return graph
