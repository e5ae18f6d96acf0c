"""`FakeCuda`: `torch.cuda` for a machine without a GPU, as far as networks are recorded.

Operations run on the CPU. While they are recorded, it notes on which stream each of them is and
which others are done by then, as streams and events say, and finds every operation that does not
wait for what it reads or overwrites. Recording changes nothing that was there before. A replay runs
the operations again, in the same memory.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

#: What batch norm changes, though its schema does not say so.
_WRITTEN = ("running_mean", "running_var")
#: For each stream, by its number, how many of its operations are done.
Clock = dict[int, int]


def _both(one: Clock, other: Clock) -> Clock:
    return {stream: max(one.get(stream, 0), other.get(stream, 0)) for stream in {**one, **other}}


class FakeStream:
    def __init__(self, cuda: "FakeCuda", number: int) -> None:
        self.cuda, self.number = cuda, number
        self.clock: Clock = {}

    def wait_stream(self, other: "FakeStream") -> None:
        self.wait_event(other.record_event())

    def record_event(self) -> Clock:
        self.cuda.log.append(f"{self.number} records")
        return dict(self.clock)

    def wait_event(self, event: Clock) -> None:
        self.cuda.log.append(f"{self.number} waits")
        self.clock = _both(self.clock, event)


class FakeCuda(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """See the module.

    Args:
        replays: whether to keep all memory that replays need. Otherwise memory that the recorded
            program lets go of is known to be free.

    Attributes:
        log: what was called, in its order: `capture`, `operation`, `replay`, `1 waits`, ...
        faults: operations that do not wait for others.
        used: the streams of recorded operations.
    """

    def __init__(self, replays: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.replays = replays
        self.log: list[str] = []
        self.faults: list[str] = []
        self.used: set[int] = set()
        self.streams = [FakeStream(self, 0)]
        self.current = self.streams[0]
        self._operations: list[tuple[Any, Any, Any, Any]] = []
        self._storages: dict[StorageWeakRef, _Memory] = {}
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []

    # -- what is called as torch.cuda's -----------------------------------------------------

    def Stream(self) -> FakeStream:
        self.streams.append(FakeStream(self, len(self.streams)))
        return self.streams[-1]

    def CUDAGraph(self) -> "FakeGraph":
        return FakeGraph(self)

    def current_stream(self) -> FakeStream:
        return self.current

    def device(self, device: torch.device) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def stream(self, stream: FakeStream) -> Iterator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def graph(self, graph: "FakeGraph") -> Iterator[None]:
        """Record on a stream of its own; in the end every other one has to have joined it."""
        self.log.append("capture")
        self._operations, self._storages, self._before = graph.operations, {}, []
        random = torch.get_rng_state()
        for stream in self.streams:
            stream.clock = {}
        with self.stream(self.Stream()), self:
            yield
            for stream in self.streams:
                if stream.clock.get(stream.number, 0) > self.current.clock.get(stream.number, 0):
                    self.faults.append(f"stream {stream.number} has not joined")
        with torch.no_grad():
            for tensor, value in reversed(self._before):
                tensor.copy_(value)
        torch.set_rng_state(random)
        self.log.append("captured")

    # -- recording --------------------------------------------------------------------------

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        schema = func._schema.arguments
        given = [*args, *(kwargs.get(argument.name) for argument in schema[len(args) :])]
        writes = [
            value
            for argument, value in zip(schema, given, strict=True)
            if argument.name in _WRITTEN
            or (argument.alias_info is not None and argument.alias_info.is_write)
        ]
        self._before += [(tensor.detach(), tensor.detach().clone()) for tensor in _tensors(writes)]
        made = func(*args, **kwargs)
        stream = self.current
        self._reuse(stream)
        self.log.append("operation")
        self.used.add(stream.number)
        stream.clock[stream.number] = stream.clock.get(stream.number, 0) + 1
        for tensor in _tensors((args, kwargs)):
            self._memory(tensor, made=False).read(self, stream, str(func))
        for tensor in _tensors(writes):
            self._memory(tensor, made=False).write(self, stream, str(func))
        for tensor in _tensors(made):
            self._memory(tensor, made=True)
        if self.replays:
            self._operations.append((func, args, kwargs, made))
        return made

    def _reuse(self, stream: FakeStream) -> None:
        """What was let go of is given to the next operation of the stream that asked for it."""
        for reference, memory in list(self._storages.items()):
            if memory.owner is stream and reference.expired():  # type: ignore[no-untyped-call]
                memory.after(memory.reads, self, stream, "a new tensor overwrites")
                del self._storages[reference]

    def _memory(self, tensor: torch.Tensor, made: bool) -> "_Memory":
        reference = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
        if reference not in self._storages:
            # What is read first was there before.
            self._storages[reference] = _Memory(self.current if made else None)
        return self._storages[reference]


class _Memory:
    """Who has read and written some memory, as (stream, number of its operation)."""

    def __init__(self, owner: FakeStream | None) -> None:
        self.owner = owner
        self.written = None if owner is None else (owner.number, owner.clock[owner.number])
        self.reads: list[tuple[int, int]] = []

    def read(self, cuda: FakeCuda, stream: FakeStream, name: str) -> None:
        self.after([self.written] if self.written else [], cuda, stream, f"{name} reads")
        self.reads.append((stream.number, stream.clock[stream.number]))

    def write(self, cuda: FakeCuda, stream: FakeStream, name: str) -> None:
        self.after(self.reads, cuda, stream, f"{name} writes")
        self.written, self.reads = (stream.number, stream.clock[stream.number]), []

    def after(
        self, earlier: list[tuple[int, int]], cuda: FakeCuda, stream: FakeStream, what: str
    ) -> None:
        for number, operation in earlier:
            if stream.clock.get(number, 0) < operation:
                cuda.faults.append(f"{what} on {stream.number} what {number} is still busy with")


class FakeGraph:
    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def replay(self) -> None:
        assert self.cuda.replays
        self.cuda.log.append("replay")
        with torch.no_grad():
            for func, args, kwargs, made in self.operations:
                again = func(*args, **kwargs)
                for old, new in zip(_tensors(made), _tensors(again), strict=True):
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)


def _tensors(values: Any) -> list[torch.Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]
