"""Kill the search process at random moments, and see whether anything is lost or counted twice.

    python -m bench.reliability.search --kills 300
    python -m bench.reliability.search --kills 20 --algorithm ppo --beyond 200

Each life resumes the search and says which trials the store has acknowledged; then it is killed
with SIGKILL, after a random number of them and a moment. In the end everything acknowledged must
be in the store as it was, and the trials must be, to the bit, those of a search that nobody has
interrupted: so no result was lost, none was observed twice, and the searcher continued as if
nothing had happened. `--beyond` asks for that many proposals after the last kill. The exit status
is 1 if any of this fails.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.reliability.mocks import SimulatedEngine, environment, space
from bench.reliability.patience import PATIENCE, becomes_true
from bench.reliability.started import living
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Reader

WORKERS, BLOCK, WINDOW = 2, 20, 40
_MODULE = "bench.reliability.search"


@dataclass(frozen=True, slots=True)
class Found:
    """What a series of kills has come to; times in seconds."""

    kills: int
    trials: int
    acknowledged: int
    lost: int
    differing: int
    observed_twice: int
    slowest_resume: float
    median_resume: float
    leftovers: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, nothing counted twice, and every resume was quick."""
        return not (self.lost or self.differing or self.observed_twice or self.leftovers)


def kill_often(folder: Path, kills: int, algorithm: str, beyond: int, seed: int = 0) -> Found:
    """Let `kills` searches end soon after they have begun, one after another."""
    store, random = folder / "killed.db", Random(seed)
    acknowledged: dict[int, float] = {}
    resumes: list[float] = []
    while len(resumes) < kills:
        resumes.append(_life(store, algorithm, acknowledged, random))
    becomes_true(lambda: not living())  # the guards end what outlived its controller
    leftovers = living()
    trials = _proposed(store) + beyond
    trials += -trials % BLOCK
    run(settings(store, algorithm, trials), resume=True, engine=SimulatedEngine(WORKERS))
    whole = folder / "whole.db"
    run(settings(whole, algorithm, trials), engine=SimulatedEngine(450))
    with Reader(store) as one, Reader(whole) as other:
        rows = {trial.id: trial for trial in one.trials()}
        pairs = zip(rows.values(), other.trials(), strict=True)
        differing = sum((a.text, a.reward) != (b.text, b.reward) for a, b in pairs)
        observed = one.settings()["progress"]["observed"]
    lost = sum(rows[number].reward != reward for number, reward in acknowledged.items())
    return Found(
        kills,
        trials,
        len(acknowledged),
        lost,
        differing,
        observed - trials,
        max(resumes),
        sorted(resumes)[len(resumes) // 2],
        leftovers,
    )


def settings(store: Path, algorithm: str, trials: int) -> SearchSettings:
    """The search that is killed, and the one that is not."""
    return SearchSettings(
        space(),
        store,
        algorithm=algorithm,
        evaluator="python:bench.reliability.mocks:quick",
        trials=trials,
        workers=WORKERS,
        block=BLOCK,
        window=WINDOW,
    )


def _life(store: Path, algorithm: str, acknowledged: dict[int, float], random: Random) -> float:
    """One life; the seconds from its start until it had resumed, 0 if it was not let come to that.

    A quarter of the lives end within their first second, while modules are imported or the store
    is opened; the others after so many acknowledged trials and a moment.
    """
    is_early = random.random() < 0.25
    early, trials, moment = random.uniform(0, 1), random.randrange(60), random.uniform(0, 0.02)
    command = [sys.executable, "-m", _MODULE, "--life", str(store), "--algorithm", algorithm]
    begun, resumed, heard = time.monotonic(), 0.0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        timer = threading.Timer(early if is_early else PATIENCE, process.kill)
        timer.start()
        for line in process.stdout:
            word, *values = line.split()
            if not line.endswith("\n"):
                break  # cut off by the kill, so it was never said
            if word == "ack":
                acknowledged[int(values[0])] = float(values[1])
                heard += 1
            elif not is_early:
                resumed = time.monotonic() - begun
            if not is_early and heard == trials:
                time.sleep(moment)
                process.kill()
        timer.cancel()
        process.kill()
    return resumed


def _live(store: Path, algorithm: str) -> None:
    def tell(event: Event) -> None:
        if event.what == "started":
            print("started", flush=True)
        for trial in event.trials:
            print("ack", trial.id, trial.reward, flush=True)

    run(settings(store, algorithm, 1_000_000), tell, resume=True)


def _proposed(store: Path) -> int:
    with Reader(store) as reader:
        return reader.counts().proposed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--algorithm", default="random")
    parser.add_argument("--beyond", type=int, default=200)
    parser.add_argument("--life", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.life:
        _live(options.life, options.algorithm)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = kill_often(Path(folder), options.kills, options.algorithm, options.beyond)
    print(found)
    sys.exit(0 if found.is_sound and found.slowest_resume <= 5 else 1)


if __name__ == "__main__":
    main()
