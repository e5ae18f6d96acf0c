"""A worker: a process of its own that evaluates one genotype after another.

Purpose: read leases as lines of JSON on standard input, answer on standard output, and beat
meanwhile. It ends itself, and all of its process group, when the engine is gone.
Non-goals: time limits, retries, memory limits: whoever started it kills it.

What an evaluator prints goes to standard error; what it reads is empty.
"""

import json
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from numbers import Real
from typing import Any, BinaryIO

from nasdsl.errors import CellError
from nasdsl.search.protocol import Evaluator, Score

Send = Callable[..., None]


def main() -> None:
    """Work until standard input ends. Arguments: the evaluator's spec, seconds between beats."""
    spec, interval = sys.argv[1], float(sys.argv[2])
    # Ctrl-C reaches the controller, which decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, answers = _channels()
    lock = threading.Lock()

    def send(kind: str, **members: Any) -> None:
        line = json.dumps({"kind": kind, **members}).encode() + b"\n"
        with lock, suppress(BrokenPipeError):
            answers.write(line)
            answers.flush()

    threading.Thread(target=_beat, args=(orders, interval, send), daemon=True).start()
    evaluator = _built(spec, send)
    if evaluator is not None:
        send("ready")
        _serve(orders, evaluator, send)
    _end_group()


def _channels() -> tuple[BinaryIO, BinaryIO]:
    orders = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return orders, answers


def _built(spec: str, send: Send) -> Evaluator | None:
    # Imported here so that what goes wrong is reported like anything else about the spec.
    try:
        from nasdsl.search.evaluators import evaluator

        return evaluator(spec)
    except CellError as error:
        finding = error.diagnostics[0]
        send("unable", code=finding.code, message=finding.message, hints=finding.hints)
    except Exception as error:
        send("unable", code="NAS867", message=_words(error), hints=())
    return None


def _serve(orders: BinaryIO, evaluator: Evaluator, send: Send) -> None:
    while line := orders.readline():
        order = json.loads(line)
        _busy.set()
        started = time.perf_counter()
        answer = _answer(order, evaluator, send)
        _busy.clear()
        send("finished", key=order["key"], seconds=time.perf_counter() - started, **answer)


def _answer(order: dict[str, Any], evaluator: Evaluator, send: Send) -> dict[str, Any]:
    key = order["key"]

    def report(value: float) -> None:
        send("beat", key=key, value=float(value))

    try:
        score = evaluator.evaluate(order["text"], order["seed"], report)
    except MemoryError:
        return {"lost": "out of memory"}
    except Exception as error:
        # torch.OutOfMemoryError, without importing torch: a fresh process may have room.
        if type(error).__name__ == "OutOfMemoryError":
            return {"lost": f"out of memory: {_words(error)}"}
        return {"failure": _words(error)}
    return _checked(score)


def _checked(score: object) -> dict[str, Any]:
    if not isinstance(score, Score):
        return {"failure": f"the evaluator gave a {type(score).__name__}, not a Score"}
    reward: object = score.reward
    if isinstance(reward, bool) or not isinstance(reward, Real):
        kind = type(reward).__name__
        return {"failure": f"the evaluator gave a reward that is a {kind}, not a number"}
    if not math.isfinite(reward):
        return {"failure": f"the evaluator gave the reward {reward}"}
    return {
        "reward": float(reward),
        "curve": [float(value) for value in score.curve],
        "params": score.params,
        "mult_adds": score.mult_adds,
    }


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


_busy = threading.Event()


def _beat(orders: BinaryIO, interval: float, send: Send) -> None:
    while True:
        time.sleep(interval)
        send("beat", key=None)
        # Nothing is sent to a busy worker, so what there is to read is the end.
        if _busy.is_set() and select.select([orders], [], [], 0)[0]:
            _end_group()


def _end_group() -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
