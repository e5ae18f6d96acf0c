"""`save_pretrained`, `push_to_hub` and `from_pretrained`, by huggingface_hub's mixin.

Purpose: models in folders and on the Hugging Face Hub, in the words that its libraries share, and
findings where something is wrong with them.
Non-goals: signing in; `hf auth login` does that, and nothing here reads a token.

Reading a model runs no code of its author: its text is a `.cell` text, its weights are
safetensors.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.atomic_write import write_errors
from nasdsl.errors import CellError, cell_error, first_line
from nasdsl.hub.published import published_model, require_publishable
from nasdsl.registry import require_packages
from nasdsl.values import typed

if TYPE_CHECKING:
    from torch.nn import Module

#: The files of a published model, in a folder or a repository.
FILES = ("README.md", "config.json", "model.safetensors")


@typed
def save_pretrained(
    model: "Module | str | os.PathLike[str]",
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    license: str | None = None,
) -> tuple[Path, ...]:
    """Write a model as the folder that `from_pretrained`, timm and the Hub read.

    Args:
        model: a network from `nasdsl.compile`, a `.safetensors` file that nasdsl has written, or
            the folder of a finished run, whose data, recipe and results the card then has.
        folder: where to; it is made. A `README.md` that is there stays as it is.
        name: what the card says that the model is loaded by; the folder by default.
        license: of the weights, as the Hub calls it: `apache-2.0`.

    Returns:
        The files.

    Raises:
        CellError: NAS001, NAS008, NAS802, NAS842 and NAS843 for what is no model; NAS701, a
            package of the extra `hub` is missing; NAS006, the folder cannot be written; what
            `nasdsl.export.write` raises.
    """
    require_hub(model)
    with write_errors(folder):
        # Before the model is read, which takes seconds.
        Path(folder).mkdir(parents=True, exist_ok=True)
    published = published_model(model)
    from nasdsl.hub.mixin import HubModel

    about = {
        "name": name or os.fspath(folder),
        "license": license,
        "is_folder": name is None,
    }
    with write_errors(folder):
        HubModel(published).save_pretrained(Path(folder), model_card_kwargs=about)
    return tuple(Path(folder) / file for file in FILES)


@typed
def push_to_hub(
    model: "Module | str | os.PathLike[str]",
    repository: str,
    *,
    private: bool | None = None,
    license: str | None = None,
    message: str = "Add the model",
) -> str:
    """Publish a model on the Hugging Face Hub, as the account that `hf auth login` signed in.

    Args:
        model: as `save_pretrained` takes it.
        repository: `OWNER/NAME`; it is made if it is not there.
        private: whether a new repository is; None leaves that to the owner's settings.
        license: of the weights, as the Hub calls it.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        CellError: NAS806, the Hub cannot be reached or refuses; what `save_pretrained` raises.
    """
    require_hub(model)
    with hub_errors(repository):
        from huggingface_hub.utils._validators import validate_repo_id

        validate_repo_id(repository)
    published = published_model(model)
    from nasdsl.hub.mixin import HubModel

    with hub_errors(repository):
        return HubModel(published).push_to_hub(
            repository,
            private=private,
            commit_message=message,
            model_card_kwargs={"name": repository, "license": license},
        )


@typed
def from_pretrained(
    name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    **settings: Any,
) -> "Module":
    """The network of a folder or of a repository of the Hugging Face Hub, with its weights.

    Args:
        name: a folder that `save_pretrained` has written, or `OWNER/NAME`.
        revision: a branch, a tag or a commit of the repository.
        **settings: network settings and options of the backend `torch`, as `nasdsl.compile`
            takes them; they win over those of the model.

    Returns:
        What `nasdsl.compile` makes, ready for training as for evaluation.

    Raises:
        CellError: NAS701, a package of the extra `hub` is missing; NAS001 and NAS802, a file is
            missing or damaged; NAS801, the weights do not fit the settings; NAS806, the Hub
            cannot be reached, or has no such model; what `nasdsl.compile` raises.
    """
    require_packages("the Hugging Face Hub needs", _NEEDS, "hub")
    from nasdsl.hub.mixin import CONFIG, HubModel

    try:
        with hub_errors(os.fspath(name)):
            found = HubModel.from_pretrained(os.fspath(name), revision=revision, **settings)
    except CellError:
        raise
    except (ValueError, AttributeError, TypeError) as error:
        reason = first_line(error, 120)
        raise cell_error("NAS802", f"{CONFIG} of {os.fspath(name)!r} is damaged", reason) from None
    return found.model.network


_NEEDS = ("huggingface_hub", "torch", "safetensors")


def require_hub(model: object) -> None:
    """Refuse what cannot be published, and say which packages are missing; nothing is imported.

    Raises:
        CellError: NAS701, and what `published_model` raises.
    """
    require_publishable(model)
    require_packages("publishing a model needs", _NEEDS, "hub")


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into findings.

    Raises:
        CellError: NAS806.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    # What its HTTP client raises, whichever that is in a version.
    unanswered: Any = (OSError, *HfHubHTTPError.__bases__)
    hints: tuple[str, ...] = ()
    try:
        yield
        return
    except HFValidationError:
        what = f"there is no folder {name!r}, and no repository can have that name"
        hints = ("repositories are called OWNER/NAME",)
    except LocalTokenNotFoundError:
        what = "the Hugging Face Hub has to know who publishes"
        hints = ("`hf auth login` signs in",)
    except unanswered as error:
        reason = first_line(error)
        what = f"the Hugging Face Hub does not answer for {name!r}"
        hints = (reason, "`hf auth login` signs in, where a repository is not for everybody")
    raise cell_error("NAS806", what, *hints)
