"""Lose workers, a node and the head of a real Ray cluster on this machine.

    python -m bench.reliability.cluster node
    python -m bench.reliability.cluster head

A cluster of a head and two nodes (separate raylets) is started in a process of its own. In the
middle of a search one node is killed, or the head with everything that keeps the cluster; the
head comes back after a while as a new cluster at the same address. All trials have to be settled
in the end, none of them twice, and only the running ones may have been tried again. The exit
status is 1 if this fails.
"""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.reliability.mocks import environment, reward_of, space
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Reader

_MODULE = "bench.reliability.cluster"
_WORKERS, _TRIALS, _DOWN = 3, 60, 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a loss has come to; `retried` trials were in flight, of so many workers."""

    lost: str
    completed: int
    wrong: int
    retried: int
    reasons: tuple[str, ...]
    seconds: float


class Cluster:
    """A Ray cluster in a process of its own, told on its standard input what to lose."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, "--serve", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()

    def say(self, word: str) -> None:
        """`node` or `head` loses that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def close(self) -> None:
        """End what is left of it."""
        self.say("end")
        self._process.communicate()


def lose(what: str, folder: Path, trials: int = _TRIALS) -> Found:
    """Search, lose a `node` or the `head` after a third of the trials, and search on."""
    port = _free_port()
    clusters = [Cluster(port)]
    store, begun = folder / "s.db", time.monotonic()
    reasons: list[str] = []
    threads: list[threading.Thread] = []

    def strike() -> None:
        clusters[-1].say(what)
        if what == "head":
            clusters[-1].close()
            time.sleep(_DOWN)
            clusters.append(Cluster(port))

    def tell(event: Event) -> None:
        if event.what == "lost":
            reasons.extend(str(trial.failure) for trial in event.trials)
        if event.counts.completed >= trials // 3 and not threads:
            threads.append(threading.Thread(target=strike))
            threads[0].start()

    settings = SearchSettings(
        space(),
        store,
        evaluator="python:bench.reliability.mocks:slow",
        trials=trials,
        workers=_WORKERS,
        heartbeat=5.0,
        engine="ray",
        address=clusters[0].address,
    )
    try:
        counts = run(settings, tell)
    finally:
        for thread in threads:
            thread.join()
        clusters[-1].close()
    with Reader(store) as reader:
        rows = list(reader.trials())
    return Found(
        what,
        counts.completed,
        sum(row.reward != reward_of(row.text) for row in rows) + abs(len(rows) - trials),
        sum(row.attempts > 1 for row in rows),
        tuple(sorted({reason[:60] for reason in reasons})),
        time.monotonic() - begun,
    )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def _serve(port: int) -> None:
    from ray.cluster_utils import Cluster as Several

    several = Several(initialize_head=True, head_node_args={"num_cpus": 1, "gcs_server_port": port})
    nodes = [several.add_node(num_cpus=2), several.add_node(num_cpus=1)]
    print(several.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "node":
            several.remove_node(nodes.pop(0), allow_graceful=False)
        elif line.strip() == "head":
            several.head_node.kill_gcs_server(check_alive=False)
            several.head_node.kill_raylet(check_alive=False)
        else:
            break
        print("done", flush=True)
    print("ending", flush=True)
    several.shutdown()


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        _serve(int(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = lose(sys.argv[1], Path(folder))
    print(found)
    is_sound = found.completed == _TRIALS and not found.wrong and found.retried <= _WORKERS
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
