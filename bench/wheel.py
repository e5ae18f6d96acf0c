"""What the wheel is made of, and what other ways to pack it would save.

python -m bench.wheel

It builds the wheel as a release does. Bytes are those that a file adds to the archive: what it is
compressed to, its two headers, and its hash of 43 characters in RECORD, which does not compress.
The playground's files are left out where they have been copied into the package.
"""

import ast
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

#: Kinds of files by what their paths contain; the first that fits.
KINDS = {
    "modules": (".py",),
    "explanations of codes": ("nasdsl/errors/explanations/",),
    "the library": ("nasdsl/genotypes/",),
    "tables of the grammar": ("nasdsl/grammar/",),
    "metadata and licence": (".dist-info/",),
    "recipes, stubs and the rest": ("",),
}
#: Of an entry without its name, which stands in both headers.
HEADERS = 30 + 46
HASH = 43


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(__file__).parents[1]
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", folder, root], check=True, stdout=sys.stderr
        )
        (wheel,) = Path(folder).glob("*.whl")
        files = contents(wheel)
        print(f"{len(files)} files, {wheel.stat().st_size:,} bytes\n")
    print("| what | files | kB | kB in one file |")
    print("|---|---|---|---|")
    left = dict(files)
    for kind, marks in KINDS.items():
        chosen = {name: left.pop(name) for name in list(left) if any(m in name for m in marks)}
        each, whole = taken(chosen), taken({"one": b"".join(chosen.values())})
        print(f"| {kind} | {len(chosen)} | {each / 1000:.0f} | {whole / 1000:.0f} |")
    modules = {name: text for name, text in files.items() if name.endswith(".py")}
    bare = {name: without_words(text) for name, text in modules.items()}
    words = taken(modules) - taken(bare)
    print(f"\nDocstrings and comments of the modules take {words / 1000:.0f} kB.")


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel by name, without RECORD, whose lines count with their files."""
    with ZipFile(wheel) as archive:
        names = (name for name in archive.namelist() if not name.endswith("/RECORD"))
        return {
            name: archive.read(name) for name in names if not name.startswith("nasdsl/playground/")
        }


def taken(files: Mapping[str, bytes]) -> int:
    """The bytes that files take in a wheel."""
    return sum(
        len(zlib.compress(content, wbits=-15)) + HEADERS + 2 * len(name) + HASH
        for name, content in files.items()
    )


def without_words(text: bytes) -> bytes:
    """A module as it would be with neither comments nor docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).encode()


if __name__ == "__main__":
    main()
