"""`nasdsl.library_entries`: the files of the library, with what is known about each.

Kind, description, family and source of every file; size and published figures of every network.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.language.genotype.types import Space
from nasdsl.library.published import Published, origins, published_as
from nasdsl.loading import analyse, genotype_of, space_in
from nasdsl.network.cost import genotype_cost

Kind = Literal["genotype", "network", "space", "vocabulary"]


class NetworkSize(NamedTuple):
    """What a network costs, counted: trained parameters, and mult-adds for one image."""

    params: int
    mult_adds: int


class LibraryEntry(NamedTuple):
    """A file of the library.

    Attributes:
        name: what to call it by.
        kind: `network` for a file that names a genotype and settings: a preset.
        description: the first sentence of the comment it begins with.
        family: `NASNet-A`, ...; "" where it is not of a published cell.
        source: a key of `nasdsl.library.published.sources`; of a network's figures or a
            genotype's cells.
        genotype: the genotype of a network.
        size: of a network.
        published: what is published about a network.
    """

    name: str
    kind: Kind
    description: str
    family: str = ""
    source: str = ""
    genotype: str = ""
    size: NetworkSize | None = None
    published: Published | None = None


def library_entries() -> list[LibraryEntry]:
    """The library's files, in the order of their names, vocabularies last."""
    return [*map(_entry, library.names()), *_vocabularies()]


def _entry(name: str) -> LibraryEntry:
    source = library.source(name)
    description = _description(source)
    base = library.base(name)
    if base is not None:
        return _network(name, base, description)
    family, origin = origins().get(name, ("", ""))
    kind: Kind = "genotype" if _space(name).is_genotype else "space"
    return LibraryEntry(name, kind, description, family, origin)


def _network(name: str, base: str, description: str) -> LibraryEntry:
    counted = genotype_cost(genotype_of(_space(name)))
    size = NetworkSize(counted.params, counted.mult_adds)
    published = published_as(name)
    family, origin = origins()[base]
    source = published.source if published else origin
    return LibraryEntry(name, "network", description, family, source, base, size, published)


def _space(name: str) -> Space:
    """The library's, whatever file of that name lies in the working folder."""
    return space_in(analyse(library.source(name)))


def _vocabularies() -> Iterator[LibraryEntry]:
    for name in library.vocabulary_names():
        yield LibraryEntry(name, "vocabulary", _description(library.vocabulary_source(name)))


def _description(source: Source) -> str:
    """The first sentence of the comment the text begins with."""
    lines = []
    for line in source.text.split("\n"):
        if not line.startswith("#") or not line.lstrip("# "):
            break
        lines.append(line.lstrip("# "))
    # A capital tells the end of a sentence from "et al. 2018".
    return re.split(r"\.\s+(?=[A-Z])", " ".join(lines))[0].removesuffix(".")
