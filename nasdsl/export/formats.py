"""The formats by suffix.

Purpose: one entry a suffix: what it needs, how it is written and how it is read back.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nasdsl.errors import cell_error, nearest
from nasdsl.passes import FOR_BLOCKS, FOR_INFERENCE
from nasdsl.registry import require_packages

if TYPE_CHECKING:
    from torch import Tensor

    from nasdsl.export.exported import Export


class ExportFormat(NamedTuple):
    """A kind of file.

    Attributes:
        module: where its `write(request, path)` and `logits(request, path)` are.
        what: it in a few words.
        needs: packages that have to be importable.
        extra: the extra that brings them.
        backend: the backend that makes its content, if one does.
        passes: those that make an optimised network the fastest for whoever reads the file.
    """

    module: str
    what: str
    needs: tuple[str, ...] = ()
    extra: str = "torch"
    backend: str = ""
    passes: tuple[str, ...] = FOR_INFERENCE

    @property
    def write(self) -> "Callable[[Export, Path], None]":
        """Writes the file."""
        found: Callable[[Export, Path], None] = import_module(self.module).write
        return found

    @property
    def logits(self) -> "Callable[[Export, Path], list[Tensor]]":
        """Reads the file back and runs it on the images."""
        found: Callable[[Export, Path], list[Tensor]] = import_module(self.module).logits
        return found


FORMATS = {
    ".py": ExportFormat("nasdsl.export.source_file", "readable PyTorch source", backend="source"),
    ".safetensors": ExportFormat(
        "nasdsl.export.model_file", "weights and .cell text", ("safetensors",)
    ),
    ".pt2": ExportFormat("nasdsl.export.program_file", "a program of torch.export"),
    ".onnx": ExportFormat(
        "nasdsl.export.onnx_file",
        "ONNX",
        ("onnx", "onnxscript", "onnxruntime"),
        "onnx",
        passes=FOR_BLOCKS,
    ),
}
#: The suffixes of the files that can be written.
SUFFIXES = tuple(FORMATS)


def format_of(path: Path) -> ExportFormat:
    """The format that a path's suffix asks for.

    Raises:
        CellError: NAS007 for an unknown suffix, NAS701 where a package is not installed.
    """
    suffix = path.suffix.lower()
    found = FORMATS.get(suffix)
    if found is None:
        guess = nearest(suffix, SUFFIXES) if suffix else None
        has = f"has the suffix {suffix!r:.40}" if suffix else "has no suffix"
        ways = [f"{name} ({form.what})" for name, form in FORMATS.items()]
        hints = [f"did you mean {guess}?"] if guess else []
        raise cell_error(
            "NAS007",
            f"{path.name!r:.80} {has}, which is not a known kind of file",
            *hints,
            f"use {', '.join(ways)}",
        )
    require_packages(f"{suffix} files need", found.needs, found.extra)
    return found
