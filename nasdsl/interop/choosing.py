"""The genotypes that a foreign text holds, and which of them is meant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nasdsl.errors import CellError, Diagnostic, Source, cell_error, name_hints, plural
from nasdsl.interop.foreign import Entry, Foreign, genotype_name
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype

#: How many genotypes of a text a message lists.
_MAX_LISTED = 10
_HOW = "`--name NAME`, `--number N`, `--line N` or `--last` chooses one"


@dataclass(frozen=True, slots=True)
class ForeignGenotypes:
    """The genotypes of a foreign text, which are read one by one.

    Attributes:
        foreign: the text.
        format: the name of its format.
        entries: the genotypes, in order; one with several names is there under each.
        name: what to call a genotype that the text does not name.
        is_ours: whether the language has read them already, as it does texts of our own.
    """

    foreign: Foreign
    format: str
    entries: tuple[Entry, ...]
    name: str | None = None
    is_ours: bool = False

    def line(self, entry: Entry) -> int:
        """The line in which a genotype starts."""
        return self.foreign.source.position(entry.span.start).line

    def labels(self) -> list[str]:
        """The names of the genotypes, with those around them where others have the same."""
        counts = Counter(entry.name for entry in self.entries)
        return [
            entry.name if counts[entry.name] == 1 else entry.path or entry.name
            for entry in self.entries
        ]

    def read(self, entry: Entry) -> tuple[Genotype, tuple[Diagnostic, ...]]:
        """A genotype, and warnings (NAS655) for what of it does not carry over.

        Raises:
            CellError: NAS651 to NAS656, and what the language has against it; findings point
                into the text.
        """
        foreign = self.foreign.without_findings()
        genotype = entry.make(foreign, entry.name or self.name or "")
        if self.is_ours:
            return genotype, tuple(foreign.findings)
        return genotype, (*foreign.findings, *_language_findings(genotype, foreign, entry))

    def problem(self, entry: Entry) -> str:
        """Why a genotype cannot be read; empty where it can."""
        try:
            self.read(entry)
        except CellError as error:
            return next(found.message for found in error.diagnostics if found.is_error)
        return ""

    def choose(
        self,
        name: str | None = None,
        *,
        number: int | None = None,
        line: int | None = None,
        last: bool = False,
    ) -> Entry:
        """The one genotype that is meant.

        Args:
            name: what the text calls it. The one genotype of a text without names has any name.
            number: its place in `entries`, from 1.
            line: a line that it stands on.
            last: whether to take the last one of those that are left.

        Raises:
            CellError: none or several are meant (NAS657).
        """
        found: Sequence[Entry] = self.entries
        if name is not None and (len(found) > 1 or found[0].names):
            found = self._entries_named(name)
        if number is not None:
            wanted = self.entries[number - 1 : number] if number > 0 else ()
            found = [entry for entry in found if any(entry is other for other in wanted)]
        if line is not None:
            found = [entry for entry in found if self._is_on(entry, line)]
        if found and (last or len({entry.identity or id(entry) for entry in found}) == 1):
            return found[-1 if last else 0]
        raise self._ambiguity_error(found, name, number, line)

    def _entries_named(self, name: str) -> list[Entry]:
        """The genotypes of that name; capital letters count only where they tell two apart."""
        exact = [entry for entry in self.entries if name in entry.names]
        plain = genotype_name(name, name)
        return exact or [
            entry
            for entry in self.entries
            if plain in {genotype_name(known, known) for known in entry.names}
        ]

    def _is_on(self, entry: Entry, line: int) -> bool:
        end = self.foreign.source.position(max(entry.span.end - 1, entry.span.start)).line
        return self.line(entry) <= line <= end

    def _ambiguity_error(
        self, found: Sequence[Entry], name: str | None, number: int | None, line: int | None
    ) -> CellError:
        """The error that none or several genotypes are meant (NAS657)."""
        hints = []
        if name is not None and not self._entries_named(name):
            text = f"no genotype of the text is called {name!r:.60}"
            names = sorted({known for entry in self.entries for known in entry.names})
            hints = [*name_hints(name, names)]
        elif found:
            text = f"the text has {len(self.entries)} genotypes"
            if name is not None:
                text = f"{len(found)} genotypes of the text are called {name!r:.60}"
        elif number is not None:
            has = plural(len(self.entries), "genotype")
            text = f"the text has {has}, and none that is number {number}"
        else:
            text = f"no genotype of the text is on line {line}"
        return cell_error("NAS657", text, *hints, *self._list(found or self.entries), _HOW)

    def _list(self, entries: Sequence[Entry]) -> list[str]:
        """What there is to choose from, a line a genotype; no more than a screen holds."""
        labels = self.labels()
        numbers = {id(entry): number for number, entry in enumerate(self.entries, 1)}
        lines = []
        for entry in entries[:_MAX_LISTED]:
            number, problem = numbers[id(entry)], self.problem(entry)
            name = labels[number - 1] or "without a name"
            why = f", cannot be read: {problem}" if problem else ""
            lines.append(f"{number}: {name}, line {self.line(entry)}{why}")
        more = len(entries) - len(lines)
        return [*lines, f"{more} more; `--list` shows all of them"] if more else lines


def _language_findings(genotype: Genotype, foreign: Foreign, entry: Entry) -> list[Diagnostic]:
    """The language's own findings about a genotype of another format.

    Raises:
        CellError: the language refuses it; the findings point into the foreign text.
    """
    # Imported here because it brings the whole language along.
    from nasdsl.loading import analyse

    # The name is in angle brackets because it is none of a file, beside which others might lie.
    analysis = analyse(Source(f"<{genotype.name}>", genotype_text(genotype)))
    place = foreign.first_line(entry.span)
    found = [
        Diagnostic(
            finding.code,
            f"{genotype.name}: {finding.message}",
            foreign.source,
            place,
            hints=finding.hints,
        )
        for finding in analysis.diagnostics
    ]
    if any(finding.is_error for finding in found):
        raise CellError((*foreign.findings, *found))
    return found
