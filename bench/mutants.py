"""Small changes of the code: which there are, and a sample of them.

The mutations are those of cosmic-ray: another operator, comparison, number or truth value, no
iteration, another exception, a decorator less.

Non-goals: annotations, and the options of `@dataclass`, which no test should have to notice.
"""

import ast
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parent.parent

#: Operators with arguments of their own, and the one that changes nothing.
_UNUSED = ("NoOp", "VariableInserter", "VariableReplacer")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change: an occurrence of what a cosmic-ray operator changes in a file."""

    file: str
    line: int
    operator: str
    occurrence: int

    def text(self) -> str:
        """The text of the file with the change."""
        operator = get_operator(self.operator)()
        changed = mutate_code(_text(self.file), operator, self.occurrence)
        assert isinstance(changed, str)
        return changed

    def diff(self) -> str:
        """The lines that go, and those that come."""
        lines = _text(self.file).splitlines()
        found = difflib.unified_diff(lines, self.text().splitlines(), lineterm="", n=0)
        return "\n".join(line for line in list(found)[2:] if not line.startswith("@@"))

    def lines(self) -> range:
        """The lines of the statement that it changes; of one with a block, those of its head."""
        found = range(self.line, self.line + 1)
        for node in ast.walk(ast.parse(_text(self.file))):
            if isinstance(node, ast.stmt) and _first(node) <= self.line <= (node.end_lineno or 0):
                block = getattr(node, "body", None)
                last = max(block[0].lineno - 1, node.lineno) if block else node.end_lineno or 0
                if self.line <= last:
                    found = range(_first(node), last + 1)
        return found


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


@cache
def _text(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def sample(files: Sequence[Path], count: int, seed: int) -> list[Mutant]:
    """So many mutants at different places, in random order; all places if there are fewer.

    A place is drawn by the seed and its own line, so that a change of the code changes the
    sample only where the code has changed.
    """
    drawn = sorted(
        (sha256(f"{seed}/{key}".encode()).digest(), mutants)
        for path in files
        for key, mutants in _places(path)
    )
    return [
        mutants[int.from_bytes(digest, "big") % len(mutants)] for digest, mutants in drawn[:count]
    ]


def _places(path: Path) -> Iterator[tuple[str, list[Mutant]]]:
    """The mutants of each place of a file, with what the place is known by."""
    file = path.relative_to(ROOT).as_posix()
    text = _text(file)
    tree, spared, lines = get_ast(text), _spared_places(text), text.splitlines()
    places: dict[tuple[tuple[int, int], str], list[Mutant]] = {}
    for name in operator_names():
        if name.endswith(_UNUSED):
            continue
        operator, occurrence = get_operator(name)(), 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                if start not in spared:
                    kind = name.split("_")[0]
                    mutant = Mutant(file, start[0], name, occurrence)
                    places.setdefault((start, kind), []).append(mutant)
                occurrence += 1
    seen: Counter[str] = Counter()
    for (line, column), kind in sorted(places):
        key = f"{file}/{kind}/{column}/{lines[line - 1]}"
        yield f"{key}/{seen[key]}", places[(line, column), kind]
        seen[key] += 1


def _spared_places(text: str) -> set[tuple[int, int]]:
    """Every (line, column) inside an annotation or a call of `dataclass`."""
    lines = [line.encode() for line in text.splitlines()]
    return {
        (line, column)
        for node in _spared(ast.walk(ast.parse(text)))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for column in range(
            # A decorator's mutation starts at its `@`.
            node.col_offset - 1 if line == node.lineno else 0,
            (node.end_col_offset or 0) if line == node.end_lineno else len(lines[line - 1]),
        )
    }


def _spared(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        match node:
            case ast.AnnAssign():
                yield node.annotation
            case ast.arg() if node.annotation:
                yield node.annotation
            case ast.FunctionDef() if node.returns:
                yield node.returns
            case ast.ClassDef():
                yield from node.decorator_list
