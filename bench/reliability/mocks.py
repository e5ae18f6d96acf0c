"""Evaluators and engines that cost nothing, for measuring everything around them.

Purpose: rewards that are a hash of the text, so that any run can be compared with any other;
and children that behave badly.
Non-goals: networks.
"""

import heapq
import os
import signal
import subprocess
import sys
import time
from hashlib import blake2b
from random import Random

import nasdsl
from nasdsl.search.engines.engine import Finished, Notice
from nasdsl.search.protocol import Report, Score
from nasdsl.search.store import Lease, Outcome

#: The paper's space, and a smaller one whose proposals are quicker to read.
FULL = """genotype nasnet_space
ops nasnet
cell normal    { 5 * (?, ?, ?, ?, ?) }
cell reduction { 5 * (?, ?, ?, ?, ?) }
"""
SMALL = FULL.replace("5 *", "2 *")


def reward_of(text: str) -> float:
    """A number from 0 to 1 that looks like chance."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") / 2**32


# -- evaluators: `python:bench.reliability.mocks:NAME` -----------------------------------


def quick(text: str, seed: int, report: Report) -> Score:
    """Up to 20 ms, by the text."""
    reward = reward_of(text)
    time.sleep(0.02 * reward)
    report(reward)
    return Score(reward, (reward,))


def slow(text: str, seed: int, report: Report) -> Score:
    """Half a second to one second, by the text."""
    reward = reward_of(text)
    time.sleep(0.5 + reward / 2)
    return Score(reward)


def endless(text: str, seed: int, report: Report) -> Score:
    """Never ends."""
    while True:
        time.sleep(60)


def stubborn(text: str, seed: int, report: Report) -> Score:
    """Never ends, ignores every signal that can be, and burns time."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def forking(text: str, seed: int, report: Report) -> Score:
    """Leaves behind a child, one in a session of its own, and a program started by that."""
    for is_apart in (False, True):
        if os.fork() == 0:
            if is_apart:
                os.setsid()
                subprocess.Popen(["sleep", "1000"])
                if os.fork():
                    os._exit(0)
            time.sleep(1000)
    return endless(text, seed, report)


def leaking(text: str, seed: int, report: Report) -> Score:
    """Takes 20 MB every tenth of a second."""
    held = []
    while True:
        held.append(bytearray(os.urandom(1)) * 20_000_000)
        time.sleep(0.1)


def dying(text: str, seed: int, report: Report) -> Score:
    """Is killed, as by the system when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def half_bad(text: str, seed: int, report: Report) -> Score:
    """One in four dies, raises or gives no number; the rest are quick."""
    kind = int(reward_of(text) * 2**20) % 12
    if kind == 0:
        return dying(text, seed, report)
    if kind == 1:
        raise RuntimeError("this network does not train")
    return Score(float("nan")) if kind == 2 else quick(text, seed, report)


# -- an engine ---------------------------------------------------------------------------


class SimulatedEngine:
    """Workers within this process that hold leases on a clock of their own.

    `poll` moves the clock on to the next end, so that no time passes; `burst` is the number of
    results it gives at most.
    """

    def __init__(self, workers: int, burst: int = 20, seed: int = 0) -> None:
        self._workers, self._burst, self._random = workers, burst, Random(seed)
        self._now = 0.0
        self._ends: list[tuple[float, str, Lease]] = []

    def start(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to end."""

    def free(self) -> int:
        """Workers without a lease."""
        return self._workers - len(self._ends)

    def workers(self) -> int:
        """All of them."""
        return self._workers

    def submit(self, lease: Lease) -> str:
        """Hold it from one to two seconds: the paper's children differ by about so much."""
        heapq.heappush(self._ends, (self._now + self._random.uniform(1, 2), lease.key, lease))
        return "simulated"

    def cancel(self, key: str) -> None:
        """Forget the lease."""
        self._ends = [end for end in self._ends if end[1] != key]
        heapq.heapify(self._ends)

    def poll(self, timeout: float) -> list[Notice]:
        """The next ends."""
        notices: list[Notice] = []
        while self._ends and len(notices) < self._burst:
            self._now, key, lease = heapq.heappop(self._ends)
            reward = reward_of(lease.text)
            notices.append(Finished(Outcome(key, lease.trial, reward, (reward,)), "simulated"))
        return notices


def space(text: str = SMALL) -> nasdsl.Space:
    """The space of that text."""
    return nasdsl.loads_space(text)


def environment() -> dict[str, str]:
    """An environment in which these modules are found by a fresh interpreter."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
