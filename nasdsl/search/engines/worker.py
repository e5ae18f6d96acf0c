"""A worker: a process of its own that evaluates one genotype after another.

It reads leases as lines of JSON from standard input, answers on standard output, and sends
heartbeats meanwhile. When the engine has ended, it ends itself and its whole process group.
Limits on time and memory are the engine's, which kills the worker.

What an evaluator prints goes to standard error; its standard input is empty.
"""

import json
import math
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from itertools import dropwhile
from numbers import Real
from typing import Any, BinaryIO

from nasdsl.errors import CellError
from nasdsl.search.protocol import Evaluator, Family, Rejection, Score, TrainingPart
from nasdsl.values import Values, shown

Send = Callable[..., None]

#: Innermost frames of a failure's traceback that are kept.
_MAX_FRAMES = 20
#: Values of a curve that are kept where an evaluator only reports them.
_MAX_CURVE = 10_000
#: What a store has for a number of parameters or mult-adds.
_COUNTS = Values(int, minimum=0, maximum=2**63 - 1)
#: Frames of files in it lead to an evaluator, and say nothing of why one failed.
_OWN = os.path.dirname(os.path.dirname(__file__)) + os.sep


def main() -> None:
    """Work until standard input ends. Arguments: the evaluator's spec, seconds between beats."""
    spec, interval = sys.argv[1], float(sys.argv[2])
    # Ctrl-C is for the search, which decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = _channels()
    lock = threading.Lock()

    def send(kind: str, **members: Any) -> None:
        line = json.dumps({"kind": kind, **members}).encode() + b"\n"
        with lock, suppress(BrokenPipeError):
            answers.write(line)
            answers.flush()

    threading.Thread(target=_beat, args=(requests, interval, send), daemon=True).start()
    evaluator = _make_evaluator(spec, send)
    if evaluator is not None:
        send("ready")
        _serve(requests, evaluator, send)
    _end_group()


def _channels() -> tuple[BinaryIO, BinaryIO]:
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _make_evaluator(spec: str, send: Send) -> Evaluator | None:
    # Imported here, so that an error in it is reported like any other error about the spec.
    try:
        from nasdsl.search.evaluators import evaluator

        return evaluator(spec)
    except CellError as error:
        finding = error.diagnostics[0]
        send("unable", code=finding.code, message=finding.message, hints=finding.hints)
    except Exception as error:
        send("unable", code="NAS867", message=_error_text(error), hints=())
    return None


def _serve(requests: BinaryIO, evaluator: Evaluator, send: Send) -> None:
    while line := requests.readline():
        request = json.loads(line)
        _busy.set()
        started = time.perf_counter()
        answer = _answer(request, evaluator, send)
        for stream in (sys.stdout, sys.stderr):
            # What was printed belongs to this trial; the evaluator may have closed the stream.
            with suppress(OSError, ValueError):
                stream.flush()
        _busy.clear()
        send("finished", key=request["key"], seconds=time.perf_counter() - started, **answer)


def _answer(request: dict[str, Any], evaluator: Evaluator, send: Send) -> dict[str, Any]:
    key = request["key"]
    curve: list[float] = []

    def report(*values: object) -> None:
        value = _reported(values)
        if value is not None:
            send("beat", key=key, value=value)
            if len(curve) < _MAX_CURVE:
                curve.append(value)

    try:
        score = _score(evaluator, request, report)
    except Rejection as error:
        return {"rejection": str(error)}
    except MemoryError:
        return {"lost": "out of memory"}
    except Exception as error:
        # torch.OutOfMemoryError, without importing torch: a fresh process may have room.
        if type(error).__name__ == "OutOfMemoryError":
            return {"lost": f"out of memory: {_error_text(error)}"}
        return {"failure": f"{_error_text(error)}\n{_where(error)}".rstrip()}
    try:
        return _score_members(score, curve)
    except Exception as error:  # a score may hold anything
        return {"failure": f"the evaluator returned a Score that is none: {_error_text(error)}"}


def _score(evaluator: Any, request: dict[str, Any], report: Callable[..., None]) -> object:
    """What the evaluator returns. A search that asks for more than `evaluate` can knows it can."""
    what = request["text"], request["seed"], report
    if "part" in request:
        return evaluator.evaluate_part(*what, TrainingPart(**request["part"]))
    if "family" in request:
        return evaluator.evaluate_child(*what, Family(**request["family"]))
    return evaluator.evaluate(*what)


def _reported(values: tuple[object, ...]) -> float | None:
    """The value of `report(value)`, or of `report(step, value)` as other tools have it.

    An evaluation should not fail for what it says of its progress, so all else is left out.
    """
    return _finite(values[-1]) if values else None


def _finite(value: Any) -> float | None:
    """A value as a finite number; None where it is none, whatever it raises to say so."""
    try:
        number = float(value)
    except Exception:
        return None
    return number if math.isfinite(number) else None


def _score_members(score: object, reported: list[float]) -> dict[str, Any]:
    """What is sent of a score, or the failure that it is: a store keeps numbers alone."""
    if not isinstance(score, Score):
        return {"failure": f"the evaluator returned a {type(score).__name__}, not a Score"}
    reward: object = score.reward
    if isinstance(reward, bool) or not isinstance(reward, Real):
        kind = type(reward).__name__
        return {"failure": f"the evaluator returned a reward that is a {kind}, not a number"}
    counts = {"params": score.params, "mult_adds": score.mult_adds}
    found = {name: None if each is None else _COUNTS.legal(each) for name, each in counts.items()}
    numbers: dict[str, Any] = {"reward": reward, **score.measures}
    for name, value in numbers.items():
        if isinstance(value, str) or _finite(value) is None:
            return {"failure": f"the evaluator returned the {name} {shown(value)}"}
    for name, count in counts.items():
        if count is not None and found[name] is None:
            words = f"the {name} {shown(count)}, not {_COUNTS.description}"
            return {"failure": f"the evaluator returned {words}"}
    return {
        "reward": float(reward),
        "curve": [float(value) for value in score.curve] or reported,
        **found,
        "measures": {name: float(value) for name, value in score.measures.items()},
    }


def _where(error: Exception) -> str:
    """The end of the traceback, from the evaluator on; nothing of a diagnostic's."""
    if isinstance(error, CellError):
        return ""
    whole = list(traceback.extract_tb(error.__traceback__))
    frames = list(dropwhile(lambda frame: frame.filename.startswith(_OWN), whole)) or whole
    return "".join(traceback.format_list(frames[-_MAX_FRAMES:])).rstrip()


def _error_text(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, CellError) and lines:
        return lines[0][:300]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


_busy = threading.Event()


def _beat(requests: BinaryIO, interval: float, send: Send) -> None:
    while True:
        time.sleep(interval)
        send("beat", key=None)
        # Nothing is sent to a busy worker, so anything to read is the end of the input.
        if _busy.is_set() and select.select([requests], [], [], 0)[0]:
            _end_group()


def _end_group() -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
