"""`OnStreams`: a network on several CUDA streams, the operations of a level side by side.

Purpose: run a traced network as `nasdsl.runtimes.levels` places its operations. It is made to be
recorded as a CUDA graph, in which streams are branches: each side stream begins with a wait for
the recording one, which waits for all of them in the end, as PyTorch's notes on CUDA graphs ask.
Non-goals: recording (`nasdsl.runtimes.cuda_graphs`).
"""

from typing import Any

from torch import Tensor, fx, nn

from nasdsl.runtimes.levels import places_of


class OnStreams(fx.Interpreter):
    """A network whose operations run on the current stream and some beside it.

    Args:
        network: one that evaluates.
        streams: how many, with the current one.
        cuda: `torch.cuda`.
    """

    def __init__(self, network: nn.Module, streams: int, cuda: Any) -> None:
        super().__init__(fx.symbolic_trace(network))
        self._cuda = cuda
        # What is left are the image, the weights and the result, for which nobody waits.
        self._numbers = numbers = {
            node: number
            for number, node in enumerate(
                node for node in self.graph.nodes if node.op.startswith("call_")
            )
        }
        reads = [
            [numbers[one] for one in node.all_input_nodes if one in numbers] for node in numbers
        ]
        self._places = places = places_of(reads, streams)
        self._awaited = {one for place in places for one in place.waits}
        self._shared = {
            one
            for inputs, place in zip(reads, places, strict=True)
            for one in inputs
            if places[one].stream != place.stream
        }
        self._beside = [cuda.Stream() for _ in range(max(place.stream for place in places))]
        self._streams: list[Any] = []
        self._done: dict[int, Any] = {}
        self._kept: list[Any] = []

    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, classes), for whoever reads them on the current stream."""
        current = self._cuda.current_stream()
        self._streams = [current, *self._beside]
        for stream in self._beside:
            stream.wait_stream(current)
        logits: Tensor = self.run(images)
        for stream in self._beside:
            current.wait_stream(stream)
        self._kept.clear()
        self._done.clear()
        return logits

    def run_node(self, n: fx.Node) -> Any:
        """What one operation computes, on its stream."""
        number = self._numbers.get(n)
        if number is None:
            return super().run_node(n)
        place = self._places[number]
        stream = self._streams[place.stream]
        for one in place.waits:
            stream.wait_event(self._done[one])
        with self._cuda.stream(stream):
            made = super().run_node(n)
        if number in self._awaited:
            self._done[number] = stream.record_event()
        if number in self._shared:
            # Memory is given to the next operation of the stream that asked for it, which does not
            # wait for readers on other streams.
            self._kept.append(made)
        return made
