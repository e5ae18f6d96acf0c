"""The library: the genotypes, spaces, presets and vocabularies that ship with nasdsl.

Purpose: names to texts, and vocabularies read once.
"""

from functools import cache

from nasdsl import resources
from nasdsl.errors import CellError, Source, cell_error, listed, name_hints
from nasdsl.language import tree
from nasdsl.language.genotype.resolve import Resolution, resolve
from nasdsl.language.genotype.types import Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.language.parser import parse

_SUFFIX = ".cell"
_VOCABULARIES = "vocabularies"


def names() -> list[str]:
    """The genotypes, spaces and presets, sorted."""
    return list(_stems())


def vocabulary_names() -> list[str]:
    """The vocabularies, sorted."""
    return list(_stems(_VOCABULARIES))


def source(name: str) -> Source:
    """The text of a genotype, space, preset or vocabulary.

    Raises:
        CellError: the library has nothing of that name (NAS213).
    """
    for folder in ((), (_VOCABULARIES,)):
        if name in _stems(*folder):
            return _text(name, *folder)
    raise cell_error(
        "NAS213",
        f"the library has no `{name[:60]}`",
        *name_hints(name, [*names(), *vocabulary_names()], f"the library has {listed(names())}"),
    )


def vocabulary_source(name: str) -> Source:
    """The text of a vocabulary the library has."""
    return _text(name, _VOCABULARIES)


@cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary of that name.

    Raises:
        CellError: the library has none of that name (NAS208).
    """
    if name not in vocabulary_names():
        raise cell_error(
            "NAS208",
            f"the library has no vocabulary `{name[:60]}`",
            *name_hints(name, vocabulary_names(), f"it has {listed(vocabulary_names())}"),
        )
    resolution = resolve(parse(vocabulary_source(name)), LibraryCatalogue())
    errors = [found for found in resolution.diagnostics if found.is_error]
    assert not errors, errors
    return resolution.vocabulary


@cache
def base(name: str) -> str | None:
    """The genotype that a network of the library names; None for files of any other kind."""
    networks = (item for item in parse(source(name)).file.items if isinstance(item, tree.Network))
    settings = (setting for network in networks for setting in network.settings)
    return next((each.value.text for each in settings if each.name.text == "genotype"), None)


def presets(genotype: str) -> dict[str, str]:
    """The networks of a genotype, by what their names add to its own.

    `darts_v2` has `cifar`, which is `darts_v2_cifar`, and `imagenet`.
    """
    start = f"{genotype}_"
    found = (name for name in names() if name.startswith(start) and base(name) == genotype)
    return {name.removeprefix(start): name for name in found}


class LibraryCatalogue:
    """Looks names up in the library alone."""

    def vocabulary(self, name: str) -> Vocabulary | None:
        """The library's vocabulary of that name."""
        try:
            return vocabulary(name)
        except CellError:
            return None

    def why_not(self, name: str) -> str:
        """That a name is of the other kind."""
        if name in names():
            return f"`{name}` is a genotype, not a vocabulary"
        return f"`{name}` is a vocabulary, not a genotype" if name in vocabulary_names() else ""

    def vocabulary_names(self) -> list[str]:
        """The library's vocabularies."""
        return vocabulary_names()

    def space(self, name: str) -> Space | None:
        """The library's genotype or space of that name."""
        return _resolution(name).space if name in names() else None

    def space_names(self) -> list[str]:
        """The library's genotypes, spaces and presets."""
        return names()


@cache
def _resolution(name: str) -> Resolution:
    return resolve(parse(source(name)), LibraryCatalogue())


def _text(name: str, *folder: str) -> Source:
    path = resources.genotypes().joinpath(*folder, f"{name}{_SUFFIX}")
    return Source(f"{name}{_SUFFIX}", path.read_text(encoding="utf-8"), in_library=True)


@cache
def _stems(*folder: str) -> tuple[str, ...]:
    entries = resources.genotypes().joinpath(*folder).iterdir()
    cells = (entry.name for entry in entries if entry.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in cells))
