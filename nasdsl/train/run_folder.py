"""RUN/: a folder that holds everything about a run, enough to resume and to reproduce it.

network.cell         the network, with every setting
recipe.toml          the recipe, with every value
run.json             data, seed, execution, versions, git's state, the command
metrics.jsonl        a line for each epoch
checkpoints/         the newest two
tensorboard/         the same scalars for TensorBoard
model.safetensors    the trained network, at the end
confusion.csv        which classes were taken for which, at the end
results.json         how good the network is on the images held out and to test, at the end
report.md            the result and its curves, at the end
"""

import errno
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nasdsl.atomic_write import atomic_write, write_errors
from nasdsl.documents import document_text, json_value
from nasdsl.errors import CellError, cell_error
from nasdsl.loading.kinds import kind_at
from nasdsl.train.execution import Execution, provenance
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, recipe_toml
from nasdsl.train.records import read_errors, record, recorded_value, versioned
from nasdsl.train.results import Epoch, Evaluation
from nasdsl.train.starting import StartingWeights
from nasdsl.train.watchers import TrainingPlan, Watcher
from nasdsl.values import Seed, require_fields

if TYPE_CHECKING:
    from nasdsl.train.checkpoint import Checkpoints

VERSION = 1

NETWORK, RECIPE, RUN, METRICS = "network.cell", "recipe.toml", "run.json", "metrics.jsonl"
CHECKPOINTS, TENSORBOARD, MODEL = "checkpoints", "tensorboard", "model.safetensors"
REPORT, CURVES, CONFUSION, LOCK = "report.md", "curves.svg", "confusion.csv", ".lock"
RESULTS = "results.json"

#: What a folder has that holds runs of several seeds, and no run itself.
SEEDS = "seeds.json"
#: What the folder of a one-shot search has.
ONE_SHOT = "oneshot.json"
#: How what a folder has is continued.
_CONTINUED_BY = {
    RUN: "nasdsl train --resume",
    SEEDS: "nasdsl train --resume",
    ONE_SHOT: "nasdsl search --resume",
}

#: The member of `run.json` with the path of the data from the run's folder.
_FROM_RUN = "data_from_run"

#: The members of `run.json` with what its figures are sent to, and what finds them there.
_LOGGERS, _LOG_ID = "loggers", "log_id"

#: Errors of file systems that have no locks, such as NFS without its lock daemon.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP})


@dataclass(frozen=True, slots=True)
class Job:
    """What a run trains, on what, and how.

    Attributes:
        network: `.cell` text with every setting.
        data: a text for `nasdsl.train.datasets`.
        recipe: how the network is trained.
        seed: of the initial weights and all random numbers.
        execution: how the training runs on the machine.
        weights: what it starts from; None starts from weights that are drawn.
        loggers: names of what its figures are sent to, besides the files of the run.

    Raises:
        CellError: NAS008, no run has such a seed.
    """

    network: str
    data: str
    recipe: Recipe
    seed: Seed
    execution: Execution
    weights: StartingWeights | None = None
    loggers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_fields(self)


def no_run_at(path: Path, what: str = "a run", command: str = "nasdsl train FILE") -> CellError:
    """That a path has no run: what there is instead, or which command starts one."""
    kind, hints = kind_at(path), [f"`{command} --out {path}` starts one"]
    if has_seeds(path):
        hints = [f"it holds the runs of several seeds: {seed_folders(path)[0].path}, ..."]
    elif kind is not None and not kind.is_any_folder:
        said = f"{str(path)!r} is {kind.words}, and does not hold {what}"
        return cell_error("NAS843", said, *kind.hints)
    return cell_error("NAS843", f"{str(path)!r} does not hold {what}", *hints)


def has_seeds(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds runs of several seeds."""
    return (Path(path) / SEEDS).is_file()


def seed_folders(path: str | os.PathLike[str]) -> "list[RunFolder]":
    """The runs in a folder that holds those of several seeds, in the order of the seeds.

    Raises:
        CellError: NAS843, the file that lists the seeds is damaged.
    """
    folder = RunFolder(path)
    with read_errors(folder.path, SEEDS):
        seeds = versioned(folder / SEEDS, VERSION)["seeds"]
        sound = isinstance(seeds, list) and seeds
        if not sound or not all(type(seed) is int for seed in seeds):
            raise ValueError("it does not list seeds")
    return [RunFolder(folder / f"seed-{seed}") for seed in seeds]


def write_seeds(path: str | os.PathLike[str], seeds: Sequence[int]) -> None:
    """Make a folder one of several runs; done last, when they are all there."""
    about = {"version": VERSION, "seeds": list(seeds)}
    write_text(Path(path) / SEEDS, json.dumps(about) + "\n")


class RunFolder:
    """The folder of a run."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def checkpoints(self) -> "Checkpoints":
        """The run's checkpoints."""
        # Imported here because it brings PyTorch, and a folder can be looked at without it.
        from nasdsl.train.checkpoint import Checkpoints

        return Checkpoints(self / CHECKPOINTS)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return (self / RUN).is_file()

    def create(self, job: Job, command: list[str]) -> None:
        """Start a run in a new or empty folder. Raises as `created` does."""
        with self.created():
            self._write(job, command)

    @contextmanager
    def created(self) -> Iterator[None]:
        """Make the folder, new or empty, and keep others out of it while the block fills it.

        Raises:
            CellError: NAS841, the folder is not empty or is in use; NAS006, it cannot be
                written.
        """
        self.require_new()
        with write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with self.locked():
            self.require_new()
            yield

    def require_new(self) -> None:
        """Refuse a folder in which something is.

        Raises:
            CellError: NAS841; NAS006, it cannot be looked at.
        """
        for name, command in _CONTINUED_BY.items():
            if (self / name).is_file():
                raise cell_error(
                    "NAS841",
                    f"{str(self.path)!r} already holds a run",
                    f"`{command} {self.path}` continues it",
                )
        # Where a folder of the path is a file, what is raised says so.
        with write_errors(self.path), suppress(FileNotFoundError):
            if any(file.name != LOCK for file in self.path.iterdir()):
                raise cell_error(
                    "NAS841", f"{str(self.path)!r} is not empty, and does not hold a run"
                )

    def _write(self, job: Job, command: list[str]) -> None:
        write_text(self / NETWORK, job.network)
        write_text(self / RECIPE, recipe_toml(job.recipe))
        about = {
            "version": VERSION,
            "data": job.data,
            **self._data_from_run(job.data),
            "seed": job.seed,
            "execution": asdict(job.execution),
            **({"weights": asdict(job.weights)} if job.weights else {}),
            **logging_members(job.loggers),
            "command": command,
            **provenance(),
        }
        # Last, because this file makes the folder a run.
        write_text(self / RUN, json.dumps(about, indent=2) + "\n")

    def _data_from_run(self, data: str) -> dict[str, str]:
        """The path of the data from the folder, which stays true where both are moved."""
        _, _, path = data.partition(":")
        if not os.path.isabs(path):
            return {}
        with suppress(ValueError):  # on another drive
            return {_FROM_RUN: os.path.relpath(path, self.path.resolve())}
        return {}

    def other_places(self, data: str) -> list[str]:
        """Other texts for the data of the run, to be tried where they are not in their place.

        The run and its data may have been moved together. Runs of version 0.1.0 have the path
        as it was typed, in a folder that was the current one: one of those around the run.
        """
        name, _, path = data.partition(":")
        here = self.path.resolve()
        if os.path.isabs(path):
            about = json_value(document_text(self / RUN))
            moved = about.get(_FROM_RUN)
            places = [here / moved] if isinstance(moved, str) else []
        else:
            places = [folder / path for folder in (here, *here.parents)] if path else []
        return [f"{name}:{os.path.normpath(place)}" for place in places if place.exists()]

    def log_id(self) -> str:
        """What finds the figures of the run at its loggers; empty where it has none."""
        return recorded_loggers(json_value(document_text(self / RUN)))[1]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out of the folder while the block runs.

        The system releases the lock when the process ends, however it ends.

        Raises:
            CellError: NAS841, another training uses the folder; NAS006, it cannot be written.
        """
        # Imported here because a folder can be looked at without the extra that brings it.
        from filelock import FileLock, Timeout

        lock = FileLock(self / LOCK)
        with write_errors(self.path):
            try:
                lock.acquire(timeout=0)
                # Its last holder may have removed it since it was opened.
                is_ours = (self / LOCK).exists()
            except Timeout:
                is_ours = False
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                is_ours = True
        if not is_ours:
            lock.release()
            raise cell_error(
                "NAS841",
                f"another training uses the folder {str(self.path)!r}",
                "wait for it to end, or train in another folder",
            )
        try:
            yield
        finally:
            # While it is held, so that it is nobody else's. Windows removes it when it is released.
            with suppress(OSError):
                (self / LOCK).unlink()
            lock.release()

    def history(self) -> tuple[Epoch, ...]:
        """The epochs so far.

        Raises:
            CellError: NAS843, the file is damaged.
        """
        if not (self / METRICS).is_file():
            return ()
        with read_errors(self.path, METRICS):
            lines = (self / METRICS).read_text(encoding="utf-8").splitlines()
            return tuple(Epoch.from_members(json_value(line)) for line in lines)

    def job(self) -> Job:
        """What the run in the folder trains, on what, and how.

        Raises:
            CellError: NAS843, there is no run, or its files are damaged.
        """
        if not self.exists:
            raise no_run_at(self.path)
        with read_errors(self.path, RUN):
            about = versioned(self / RUN, VERSION)
            if "task" in about:
                raise cell_error(
                    "NAS843",
                    f"{str(self.path)!r} holds the run of a detector",
                    f"`nasdsl eval {self.path}` evaluates it, and `nasdsl detect` finds objects "
                    "with it",
                )
            execution = record(Execution, about["execution"])
            given = about.get("weights")
            weights = None if given is None else record(StartingWeights, given)
            data, seed = (
                recorded_value("data", str, about["data"]),
                recorded_value("seed", Seed, about["seed"]),
            )
            loggers, _ = recorded_loggers(about)
        with read_errors(self.path, NETWORK):
            text = document_text(self / NETWORK)
        return Job(text, data, recipe_at(self / RECIPE), seed, execution, weights, loggers)


def logging_members(loggers: Sequence[str]) -> dict[str, Any]:
    """What `run.json` says of loggers: their names, and what finds the run there."""
    return {_LOGGERS: [*loggers], _LOG_ID: uuid4().hex} if loggers else {}


def recorded_loggers(about: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    """What the figures of a run are sent to, and what finds them there.

    Raises:
        ValueError: they are no texts.
    """
    names, found = about.get(_LOGGERS, []), about.get(_LOG_ID, "")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{_LOGGERS} is not a list of names")
    if not isinstance(found, str) or not re.fullmatch("[0-9a-f]{32}" if names else "", found):
        raise ValueError(f"{_LOG_ID} is not 32 hexadecimal digits")
    return tuple(names), found


def recorded_results(folder: RunFolder) -> dict[str, Evaluation]:
    """How good the network of a run is, by the part of the images: `held_out`, `test`.

    It is empty for a run that is not done, and for those of version 0.1.0.

    Raises:
        CellError: NAS843, the file is damaged.
    """
    path = folder / RESULTS
    if not path.is_file():
        return {}
    with read_errors(folder.path, RESULTS):
        members = json_value(document_text(path))
        return {
            name: Evaluation.from_members(members[name])
            for name in ("held_out", "test")
            if members.get(name) is not None
        }


class MetricsFile(Watcher):
    """Writes `metrics.jsonl` while a run trains."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def started(self, plan: TrainingPlan) -> None:
        """Write the epochs before the checkpoint, and no later ones."""
        lines = "".join(_line(epoch) for epoch in plan.history)
        write_text(self.folder / METRICS, lines)

    def epoch_ended(self, epoch: Epoch) -> None:
        """Add the line of an epoch."""
        path = self.folder / METRICS
        with write_errors(path), path.open("a", encoding="utf-8") as stream:
            stream.write(_line(epoch))


def _line(epoch: Epoch) -> str:
    return json.dumps(epoch.as_members()) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file of a run, completely or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
