"""RUN/: a folder that holds all of a run, enough to go on with it and to do it again.

Purpose: what each file is, writing them while a training runs, and reading them back.
Non-goals: training (`nasdsl.train.loop`), the words of the report (`nasdsl.train.report`).

    network.cell         the network, every setting written out
    recipe.toml          the recipe, every value written out
    run.json             data, seed, how it was run, versions, git's state, the command
    metrics.jsonl        a line an epoch
    checkpoints/         the newest two
    tensorboard/         the same scalars for TensorBoard
    model.safetensors    the trained network, once it is
    report.md            the result and its curves, once there is one
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from nasdsl.errors import CellError, cell_error
from nasdsl.export.atomic_write import placed, refused_by_name
from nasdsl.train.checkpoint import Checkpoints
from nasdsl.train.execution import Execution, provenance
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, resolved_text
from nasdsl.train.results import Epoch
from nasdsl.train.watchers import Plan, Watcher

VERSION = 1

NETWORK, RECIPE, RUN, METRICS = "network.cell", "recipe.toml", "run.json", "metrics.jsonl"
CHECKPOINTS, TENSORBOARD, MODEL = "checkpoints", "tensorboard", "model.safetensors"
REPORT, CURVES = "report.md", "curves.svg"


@dataclass(frozen=True, slots=True)
class Job:
    """What a run does.

    Attributes:
        network: `.cell` text with every setting.
        data: as `nasdsl.train.datasets` takes it.
        recipe: every value.
        seed: of initial weights and of all that is drawn.
        execution: how.
    """

    network: str
    data: str
    recipe: Recipe
    seed: int
    execution: Execution


class RunFolder:
    """A run's folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def checkpoints(self) -> Checkpoints:
        """The run's checkpoints."""
        return Checkpoints(self / CHECKPOINTS)

    @property
    def exists(self) -> bool:
        """Whether there is a run in the folder."""
        return (self / RUN).is_file()

    def create(self, job: Job, command: list[str]) -> None:
        """Begin a run in a new or empty folder.

        Raises:
            CellError: NAS841, something is there; NAS006, it cannot be written.
        """
        if self.exists:
            raise cell_error(
                "NAS841",
                f"{str(self.path)!r} holds a run already",
                f"`nasdsl train --resume {self.path}` goes on with it",
            )
        with refused_by_name(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise cell_error("NAS841", f"{str(self.path)!r} is not empty, and holds no run")
        write_text(self / NETWORK, job.network)
        write_text(self / RECIPE, resolved_text(job.recipe))
        about = {
            "version": VERSION,
            "data": job.data,
            "seed": job.seed,
            "execution": asdict(job.execution),
            "command": command,
            **provenance(),
        }
        # Last, because a folder with this file is a run.
        write_text(self / RUN, json.dumps(about, indent=2) + "\n")

    def job(self) -> Job:
        """What the run in the folder does.

        Raises:
            CellError: NAS843, there is no run, or its files are damaged.
        """
        if not self.exists:
            raise cell_error(
                "NAS843",
                f"there is no run in {str(self.path)!r}",
                f"`nasdsl train FILE --out {self.path}` begins one",
            )
        try:
            about = json.loads((self / RUN).read_text(encoding="utf-8"))
            if about["version"] != VERSION:
                raise ValueError(f"version {about['version']!r:.40} is not {VERSION}")
            execution = Execution(**about["execution"])
            text = (self / NETWORK).read_text(encoding="utf-8")
            return Job(text, about["data"], recipe_at(self / RECIPE), about["seed"], execution)
        except CellError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error).strip().splitlines()[0][:120] if str(error) else "damaged"
            raise cell_error(
                "NAS843", f"the run in {str(self.path)!r} cannot be read", f"{RUN}: {reason}"
            ) from None


class RunFiles(Watcher):
    """Writes the files of a run that come while it trains."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def started(self, plan: Plan) -> None:
        """Let `metrics.jsonl` hold the epochs before the checkpoint, and no later ones."""
        lines = "".join(_line(epoch) for epoch in plan.history)
        write_text(self.folder / METRICS, lines)

    def epoch_ended(self, epoch: Epoch) -> None:
        """Add a line to `metrics.jsonl`."""
        with (self.folder / METRICS).open("a", encoding="utf-8") as stream:
            stream.write(_line(epoch))


def _line(epoch: Epoch) -> str:
    return json.dumps(epoch.as_members()) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file of a run, whole or not at all."""
    with placed(path) as beside:
        beside.write_text(text, encoding="utf-8")
