"""The files that a run keeps of itself, read back: sound, or NAS843.

Purpose: one reader for trainings, detectors and one-shot searches, whose folders may come from
anybody and may have been edited.
Non-goals: what the files say (`nasdsl.train.run_folder`, `nasdsl.detection.run`,
`nasdsl.search.oneshot`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from nasdsl.documents import document_text, json_value
from nasdsl.errors import CellError, cell_error, first_line
from nasdsl.train.execution import Execution
from nasdsl.train.starting import StartingWeights
from nasdsl.values import shown, values_of

_Record = TypeVar("_Record", Execution, StartingWeights)


@contextmanager
def read_errors(folder: Path, name: str, what: str = "run") -> Iterator[None]:
    """Say in NAS843 that the file of that name in the folder of a run is damaged."""
    try:
        yield
    except CellError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the {what} in {str(folder)!r} cannot be read"
        raise cell_error("NAS843", message, f"{name}: {first_line(error, 120)}") from None


def versioned(path: Path, version: int) -> dict[str, Any]:
    """What a JSON file of a run says, where it is of that version.

    Raises:
        OSError, ValueError, KeyError, TypeError: it is not, or cannot be read.
    """
    about: dict[str, Any] = json_value(document_text(path))
    if about["version"] != version:
        raise ValueError(f"version {about['version']!r:.40} is not {version}")
    return about


def record(kind: type[_Record], members: dict[str, Any]) -> _Record:
    """A dataclass with these members, each of the type that is declared for it.

    Raises:
        ValueError: a member is of another type, or there is no such member.
    """
    hints = get_type_hints(kind, include_extras=True)
    for name in members:
        if name not in hints:
            raise ValueError(f"there is no {name!r:.40}")
    return kind(
        **{name: recorded_value(name, hints[name], value) for name, value in members.items()}
    )


def recorded_value(name: str, hint: Any, value: Any) -> Any:
    """A value of a file of a run, where it is one of the type and the bounds of a hint.

    Raises:
        ValueError: it is not.
    """
    if value is None and NoneType in get_args(hint):
        return None
    values = values_of(hint) or values_of(get_args(hint)[0])
    assert values is not None, name
    if type(value) is not values.type or values.legal(value) is None:
        raise ValueError(f"{name} is {shown(value)}, not {values.description}")
    return value
