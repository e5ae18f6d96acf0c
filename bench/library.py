"""Write `docs/library.md` and its pictures: every cell and every network of the library.

    python -m bench.library

The page is made from the library alone, so a test holds it against what this would write.
The pictures need Graphviz.
"""

from collections.abc import Iterator
from pathlib import Path

from nasdsl import library
from nasdsl.api.library_entries import LibraryEntry, library_entries
from nasdsl.canonical import difference_sentences
from nasdsl.drawing import genotype_drawing, picture_bytes
from nasdsl.library.published import Published, models, sources
from nasdsl.loading import load

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = Path("images") / "library"

INTRODUCTION = """\
# The library

The library contains published cells and the networks that were published with them. `nasdsl list`
prints a table of them and `nasdsl show NAME` prints a file. A network is one command:

    nasdsl compile darts_v2 --preset cifar
    nasdsl cost pnasnet5_large

A cell has the name of its file, and a network has the name of its cell followed by that of a
preset. Where sources disagree about a cell, each version has a name of its own, and comments
explain the difference. The block lists of NASNet-B and NASNet-C are published as images only, so
the library does not contain these cells, but the spaces in which they were found, `nasnet_b_space`
and `nasnet_c_space`.

This page is the output of `python -m bench.library`.
"""

DIFFERENCE = """\
`nasdsl diff` describes the differences between two cells in words:

```console
$ nasdsl diff {} {}
{}
```
"""

NETWORKS = """\
## Networks

Parameters are the trained ones, and mult-adds are those of convolutions and fully connected layers
for one image. Both are counted by `nasdsl cost` without the auxiliary classifier, and the published
figures are shown beside them. The error is the published one: the test error on CIFAR-10, and
top-1 / top-5 on ImageNet. A star marks a network whose count differs from the published figure by
more than 1 % and by more than rounding explains.
"""


def main() -> None:
    (DOCS / "library.md").write_text(page(), encoding="utf-8")
    folder = DOCS / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for name in cells():
        (folder / f"{name}.svg").write_bytes(picture(name))


def page() -> str:
    """The page's text."""
    return "\n".join([INTRODUCTION, *_networks(), *_cells(), *_sources()])


def cells() -> list[str]:
    """The published cells."""
    return [entry.name for entry in library_entries() if entry.kind == "genotype" and entry.family]


def picture(name: str) -> bytes:
    """The drawing of a cell, as SVG."""
    return picture_bytes(genotype_drawing(load(name)), "svg")


# -- networks -----------------------------------------------------------------------------


def _networks() -> Iterator[str]:
    found = [entry for entry in library_entries() if entry.kind == "network"]
    yield NETWORKS
    for data in ("CIFAR-10", "ImageNet"):
        rows = [(entry, entry.published) for entry in found if entry.published]
        chosen = [(entry, published) for entry, published in rows if published.data == data]
        yield f"### {data}\n"
        yield "| network | parameters | published | mult-adds | published | error (%) | source |"
        yield "|---|--:|--:|--:|--:|--:|---|"
        yield from (_row(*pair) for pair in chosen)
        yield ""
        yield from (note for pair in chosen for note in _notes(*pair))
        yield ""
    yield "### Published, but not reproducible\n"
    yield "| network | data | parameters | mult-adds | error (%) | source |"
    yield "|---|---|--:|--:|--:|---|"
    for model in models():
        if model.why and not model.network:
            figures = (_printed(model.params), _printed(model.mult_adds), model.error)
            yield f"| {' | '.join((model.name, model.data, *figures, model.source))} |"
    yield ""
    yield "The cells are published as images only.\n"
    rest = [entry for entry in found if entry.published is None]
    yield "### Without published figures\n"
    yield "| network | parameters | mult-adds |"
    yield "|---|--:|--:|"
    for entry in rest:
        assert entry.size is not None
        yield f"| `{entry.name}` | {entry.size.params:,} | {_counted(entry.size.mult_adds)} |"
    yield ""


def _row(entry: LibraryEntry, published: Published) -> str:
    assert entry.size is not None
    cells = (
        f"`{entry.name}`" + ("" if agrees(entry) else " *"),
        f"{entry.size.params:,}",
        _printed(published.params),
        _counted(entry.size.mult_adds),
        _printed(published.mult_adds),
        published.error.replace("+-", "&plusmn;"),
        published.source,
    )
    return f"| {' | '.join(cells)} |"


def _notes(entry: LibraryEntry, published: Published) -> Iterator[str]:
    said = [text for text in (published.note, published.why) if text]
    if said:
        yield f"- `{entry.name}`: {'; '.join(said)}."


def agrees(entry: LibraryEntry) -> bool:
    """Whether what is counted is what is published: to 1 %, or as it rounds."""
    assert entry.size is not None
    assert entry.published is not None
    pairs = zip(entry.size, (entry.published.params, entry.published.mult_adds), strict=True)
    return all(_agree(counted / 1e6, said) for counted, said in pairs if said is not None)


def _agree(counted: float, said: float) -> bool:
    decimals = len(f"{said:g}".partition(".")[2])
    return abs(counted - said) <= max(said / 100, 0.5 * 10**-decimals)


def _counted(mult_adds: int) -> str:
    return f"{mult_adds / 1e6:,.1f}M"


def _printed(millions: float | None) -> str:
    if millions is None:
        return ""
    if millions < 1000:
        return f"{millions:g}M"
    return f"{millions / 1000:#.3g}".rstrip(".") + "B"


# -- cells --------------------------------------------------------------------------------


def _cells() -> Iterator[str]:
    yield "## Cells\n"
    names = "amoebanet_b", "amoebanet_d"
    yield DIFFERENCE.format(*names, "\n".join(difference_sentences(*map(load, names))))
    for name in cells():
        yield f"### {name}\n"
        yield f"![{name}]({PICTURES.as_posix()}/{name}.svg)\n"
        yield f"```cell\n{library.source(name).text.rstrip()}\n```\n"


def _sources() -> Iterator[str]:
    yield "## Sources\n"
    yield from (f"- {name}: {text}." for name, text in sources().items())
    yield ""


if __name__ == "__main__":
    main()
