"""`OwnCheckpoints`: the checkpoints of a run whose files say what all of its epochs were made with.

Purpose: every state says what it was made with, and a run whose files were edited since does not
continue from it: its report would claim what never happened.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nasdsl.canonical import canonical_hash
from nasdsl.errors import cell_error
from nasdsl.network import NetworkGraph
from nasdsl.train.checkpoint import Checkpoints, LoadedCheckpoint, TrainingState, state_errors


class OwnCheckpoints(Checkpoints):
    """The checkpoints of a run.

    Args:
        folder: where they are.
        made_with: what the files of the run say: values, and mappings of values, by name. States
            without some of these are older ones; what they lack is not compared.
    """

    def __init__(self, folder: str | os.PathLike[str], made_with: Mapping[str, Any]) -> None:
        super().__init__(folder)
        self.made_with = dict(made_with)

    def save(self, step: int, state: TrainingState) -> Path:
        """Write the state after `step` steps, with what it was made with.

        Raises:
            CellError: as `Checkpoints.save`.
        """
        return super().save(step, {**state, **self.made_with})

    def newest(self) -> LoadedCheckpoint | None:
        """The newest checkpoint that loads; None if there are no files.

        Raises:
            CellError: as `Checkpoints.newest`; NAS843, it was made with something else than the
                files of the run say.
        """
        loaded = super().newest()
        if loaded is None:
            return None
        now = dict(_values(self.made_with))
        with state_errors(loaded.path):
            found = {name: loaded.state[name] for name in self.made_with if name in loaded.state}
            before = dict(_values(found))
            differing = [key for key, value in before.items() if key in now and now[key] != value]
        if differing:
            raise cell_error(
                "NAS843",
                f"the checkpoint {str(loaded.path)!r} was made with another "
                f"{' and another '.join(name for _, name in differing)}",
                *(
                    f"{key[1]} was {before[key]!r:.60}, and is {now[key]!r:.60}"
                    for key in differing
                ),
                "undo the change to the files of the run, or train in another folder",
            )
        return loaded


def network_identity(graph: NetworkGraph) -> dict[str, Any]:
    """What makes a network another one: its canonical hash, and every choice around the cells."""
    hashes = {} if graph.genotype is None else {"network": canonical_hash(graph.genotype)}
    return {**hashes, **asdict(graph.configuration)}


def _values(made_with: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for group, value in made_with.items():
        if isinstance(value, Mapping):
            yield from (((group, str(name)), each) for name, each in value.items())
        else:
            yield ("", group), value
