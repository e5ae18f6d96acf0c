"""Messages about blocks and outputs that name something wrongly.

Purpose: findings 203 to 212 and 3xx in words, one function for each mistake.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from nasdsl.errors import Label, Span, listed, nearest, plural
from nasdsl.language import tree
from nasdsl.language.genotype.findings import Findings, spelling_suggestion
from nasdsl.language.genotype.types import State, hidden

_BLOCK = "a block is `(input, input, op, op, combine)`"
_WITH_ARTICLE = {"input": "an input", "op": "an op", "combine": "a combine"}


def name_taken(findings: Findings, name: str, place: Span, first: Span, repeated: bool) -> None:
    """NAS206; a repeated block is named by its position, which may not be obvious."""
    counted = " (repeated blocks are named by their position)" if repeated else ""
    findings.add(
        "NAS206",
        place,
        f"the name `{name}` is taken{counted}",
        label="defined again here",
        secondary=(Label(first, f"`{name}` is first defined here"),),
        hints=("every block of a cell needs a different name",),
    )


def empty_cell(findings: Findings, kind: tree.Word) -> None:
    """NAS302."""
    findings.add(
        "NAS302",
        kind.span,
        f"the cell `{kind.text}` has no blocks",
        label="needs at least one block",
        hints=("a block is `b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)`",),
    )


def wrong_arity(
    findings: Findings, name: str, block: tree.Tuple, roles: Sequence[str | None]
) -> None:
    """NAS301; `roles` are what the fields look like, None where that is not known."""
    wanted = {"input": 2, "op": 2, "combine": 1}
    lacking = [
        role for role, count in wanted.items() if None not in roles and roles.count(role) < count
    ]
    fields = block.fields
    place = fields[5].span.to(fields[-1].span) if len(fields) > 5 else block.span
    count = "no fields" if not fields else plural(len(fields), "field")
    label = f"{_WITH_ARTICLE[lacking[0]]} is missing" if lacking and len(fields) < 5 else ""
    findings.add(
        "NAS301",
        place,
        f"block `{name}` has {count} where five are needed",
        label=label or f"{count} here",
        hints=(_BLOCK,),
    )


def malformed_state(findings: Findings, atom: tree.State) -> None:
    """NAS105; a fix where it is plain what is meant, which a bare number is not."""
    loose = re.fullmatch(r"\w\s*\[\s*([a-zA-Z]?)\s*([-+]?)\s*(\d{0,6})\s*\]?", atom.text)
    guess = None
    if loose and loose[2] != "+" and (loose[1] or loose[2]):
        guess = str(hidden(int(loose[3] or 0)))
    hints, fixes = spelling_suggestion(atom.span, guess)
    if loose and not guess:
        hints = (
            "`h[i]` is the newest hidden state and `h[i-1]` the one before it; other tools"
            " disagree about which of them is number 0",
        )
    findings.add(
        "NAS105",
        atom.span,
        f"`{atom.text[:40]}` is not a hidden state",
        label="expected `h[i]`, `h[i-1]`, ...",
        hints=hints,
        fixes=fixes,
    )


def beyond_given(findings: Findings, atom: tree.State, back: int, given: Sequence[State]) -> None:
    """NAS207."""
    findings.add(
        "NAS207",
        atom.span,
        f"`{hidden(back)}` is older than the cell's inputs",
        label=f"the cell's inputs are {listed(map(str, given))}",
        hints=(f"the oldest hidden state it can read is `{given[-1]}`",),
    )


def reads_itself(findings: Findings, atom: tree.Word) -> None:
    """NAS205."""
    findings.add(
        "NAS205",
        atom.span,
        f"block `{atom.text}` reads itself",
        label="its own state does not exist yet",
        hints=("an input is `h[i]`, `h[i-1]` or an earlier block",),
    )


def reads_later(findings: Findings, atom: tree.Word, reader: str, defined: Span) -> None:
    """NAS204."""
    findings.add(
        "NAS204",
        atom.span,
        f"block `{reader}` reads `{atom.text}`, which comes later",
        label="not computed yet",
        secondary=(Label(defined, f"`{atom.text}` is defined here"),),
        hints=(f"move `{atom.text}` above `{reader}`",),
    )


def unknown_input(
    findings: Findings, atom: tree.Word, earlier: Collection[str], known: Sequence[State]
) -> None:
    """NAS203."""
    findings.add_misspelt(
        "NAS203",
        atom.span,
        f"unknown input `{atom.text}`",
        nearest(atom.text, earlier),
        label="no block of this name comes before",
        otherwise=f"the inputs here are {listed(map(str, known))}",
    )


def unknown_name(
    findings: Findings, atom: tree.Atom, kind: str, vocabulary: str, names: Collection[str]
) -> None:
    """NAS201 for an op, NAS202 for a combine."""
    source = f"vocabulary `{vocabulary}`" if vocabulary else "file"
    findings.add_misspelt(
        "NAS202" if kind == "combine" else "NAS201",
        atom.span,
        f"unknown {kind} `{atom.text[:60]}`",
        nearest(atom.text, names),
        label=f"not {_WITH_ARTICLE[kind]} of the {source}",
        otherwise=f"the {kind}s are {listed(names)}",
    )


def misplaced(findings: Findings, atom: tree.Atom, expected: str, found: str) -> None:
    """NAS212; both are `input`, `op` or `combine`."""
    findings.add(
        "NAS212",
        atom.span,
        f"`{atom.text}` is {_WITH_ARTICLE[found]}, and {_WITH_ARTICLE[expected]} belongs here",
        label=f"expected {_WITH_ARTICLE[expected]}",
        hints=(_BLOCK,),
    )


def listed_twice(findings: Findings, option: tree.Atom, first: Span) -> None:
    """NAS311."""
    findings.add(
        "NAS311",
        option.span,
        f"the choice lists `{option.text}` twice",
        label="listed again here",
        secondary=(Label(first, "first listed here"),),
        hints=("every option of a choice is as likely as the others",),
    )


def second_output(findings: Findings, kind: str, extra: Span, first: Span) -> None:
    """NAS312."""
    findings.add(
        "NAS312",
        extra,
        f"the cell `{kind}` has two outputs",
        label="a second output",
        secondary=(Label(first, "the first is here"),),
    )


def output_without_blocks(findings: Findings, output: tree.Output) -> None:
    """NAS305 for an output that names nothing, or hidden states alone."""
    message = "the output names nothing"
    if output.states:
        message = "the output names no block, so the cell computes nothing"
    findings.add(
        "NAS305",
        output.span,
        message,
        label="expected at least one block",
        hints=("`output unused` takes every block that no block reads",),
    )


def unknown_output(
    findings: Findings, atom: tree.Word, earlier: Collection[str], known: Iterable[State]
) -> None:
    """NAS305."""
    findings.add_misspelt(
        "NAS305",
        atom.span,
        f"the output names `{atom.text}`, which is not in this cell",
        nearest(atom.text, earlier),
        label="not a block of this cell",
        otherwise=f"its states are {listed(map(str, known))}",
    )


def named_twice(findings: Findings, atom: tree.Atom, first: Span) -> None:
    """NAS306."""
    findings.add(
        "NAS306",
        atom.span,
        f"the output names `{atom.text}` twice",
        label="named again here",
        secondary=(Label(first, "first named here"),),
    )
