"""Walks: through which rooms a value goes while a command runs, and to which it comes back.

ARCHITECTURE.md ("How three commands run") has the rule by which is counted.
"""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

#: Rooms that everybody asks and no value goes through.
LEAVES = frozenset(
    {
        *("atomic_write", "documents", "errors", "metadata", "primitives", "public_names"),
        *("registry", "report", "resources", "values", "version"),
    }
)
#: Modules whose functions are methods of values, and belong to whoever calls them.
VALUES = frozenset(
    {
        "nasdsl.language.genotype.settings",
        "nasdsl.language.genotype.types",
        "nasdsl.network.graph",
    }
)
#: The forms that a value takes from stage to stage: types of the table in ARCHITECTURE.md, and what
#: a search makes of them.
FORMS = frozenset(
    {
        *("Source", "Parsed", "Resolution", "Analysis", "Space", "Genotype", "Settings"),
        *("SourceCells", "SourceNetwork", "Completed", "Configuration", "NetworkGraph"),
        *("Network", "Proof", "Written", "Job", "RunPlan", "RunFolder", "Fitted"),
        *("TrainingOutcome", "Proposal", "Score"),
    }
)
#: Where a file that was written is read back, which is a walk of its own.
READING_BACK = "nasdsl.export.model_file.logits"


class Entry(NamedTuple):
    """A room that a value entered.

    Attributes:
        room: its name.
        depth: how many rooms were waiting for it.
        is_return: whether the value had left it before.
    """

    room: str
    depth: int
    is_return: bool


class _Call:
    """A call from one room into another."""

    def __init__(self, room: str, start: int) -> None:
        self.room, self.start = room, start
        self.end = 0
        self.makes_a_form = False


class Walk:
    """Follows the calls of a function between rooms."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.calls: list[_Call] = []
        self._stack: list[tuple[FrameType, str | None, _Call | None]] = []
        #: When a form was seen first, and the form, so that nothing else gets its identity.
        self._seen: dict[int, tuple[int, object]] = {}
        before = sys.getprofile()
        sys.setprofile(self._follow)
        try:
            work()
        finally:
            sys.setprofile(before)

    def _follow(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call":
            self._begin(frame)
        elif event == "return" and self._stack and self._stack[-1][0] is frame:
            self._end(value)

    def _begin(self, frame: FrameType) -> None:
        module = frame.f_globals.get("__name__", "")
        caller = self._stack[-1][1] if self._stack else ""
        room = caller
        # What is imported, or read back, belongs to no walk.
        if frame.f_code.co_name == "<module>" or _name(frame) == READING_BACK:
            room = None
        elif caller is not None:
            room = room_of(module) or caller
        call = None
        if room and room != caller:
            call = _Call(room, len(self.calls))
            self.calls.append(call)
        self._stack.append((frame, room, call))

    def _end(self, value: Any) -> None:
        _, room, call = self._stack.pop()
        if room is None:
            return
        for form in _forms(value):
            first, _ = self._seen.setdefault(id(form), (len(self.calls), form))
            if call is not None and first > call.start:
                call.makes_a_form = True
        if call is not None:
            call.end = len(self.calls)

    @property
    def entries(self) -> list[Entry]:
        """The rooms in the order in which the value entered them."""
        left: set[str] = set()
        waiting: list[_Call] = []
        found: list[Entry] = []
        for call in self.calls:
            if not call.makes_a_form:
                continue
            while waiting and waiting[-1].end <= call.start:
                left.add(waiting.pop().room)
            if waiting and waiting[-1].room == call.room:
                continue
            if not found or found[-1].room != call.room:
                is_back = call.room in left or any(one.room == call.room for one in waiting)
                found.append(Entry(call.room, len(waiting), is_back))
            left.discard(call.room)
            waiting.append(call)
        return found

    @property
    def rooms(self) -> list[str]:
        """Their names."""
        return [entry.room for entry in self.entries]

    @property
    def returns(self) -> list[str]:
        """The rooms that the value entered although it had left them, or while they waited."""
        return [entry.room for entry in self.entries if entry.is_return]


def room_of(module: str) -> str | None:
    """The room of a module: a package or a module of nasdsl; None for all others and leaves."""
    package, _, rest = module.partition(".")
    if package == "nasdsl_backends":
        return "backends"
    room = rest.partition(".")[0]
    if package != "nasdsl" or not room or room in LEAVES or module in VALUES:
        return None
    # A skeleton is what the network says about stacking, in a file of its own.
    return "network" if room == "skeletons" else room


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}"


def _forms(value: Any) -> Iterator[Any]:
    """The forms that a call has given: its result, or the members of a tuple or list."""
    if type(value).__name__ in FORMS:
        yield value
    elif type(value) in (tuple, list) and len(value) < 50:
        for member in value:
            yield from _forms(member)
