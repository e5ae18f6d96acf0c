"""The expressions of a Python text that matter, and every name each of them has.

A name comes from an assignment (chained, annotated or of several at once), a key of a dictionary
or a keyword. `A = B`, `A = B["key"]` and a name as a dictionary's value are further names of what
B is at that point of the text. Names that depend on a condition are not followed. Nothing is
executed, and however deep a text nests, the walk is a loop.
"""

import ast
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: What `ast` nests in one another without brackets, such as names with many dots.
_MAX_DOTS = 20
#: Calls whose keywords are keys; NAS-Bench-101's holds a matrix and its ops.
_DICTIONARIES = {"dict", "OrderedDict", "ModelSpec"}


@dataclass(frozen=True, slots=True)
class Named:
    """An expression under one of its names.

    Attributes:
        node: the expression.
        at: where it gets the name: itself, or an expression that stands for it.
        path: the name after the names around it; empty where it has none.
    """

    node: ast.expr
    at: ast.expr
    path: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(slots=True)
class _Scope:
    """What names mean at a point of the text: an expression, or None where it depends."""

    known: "ChainMap[str, ast.expr | None]" = field(default_factory=ChainMap)
    prefix: str = ""
    around: "_Scope | None" = None
    is_function: bool = False

    def bind(self, path: str, node: ast.expr | None) -> None:
        self.known[path] = node
        if self.around is not None and self.prefix:
            self.around.bind(f"{self.prefix}.{path}", node)

    def inner(self, prefix: str = "", is_function: bool = False) -> "_Scope":
        around = self if prefix else None
        return _Scope(self.known.new_child(), prefix, around, self.is_function or is_function)

    def branch(self) -> "_Scope":
        return _Scope(self.known.new_child(), self.prefix, self.around, self.is_function)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A node that is still to be looked at, with the paths of the name it gets."""

    node: ast.AST
    scope: _Scope
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _EndOfBranch:
    """Where the names that a branch binds become names that depend on a condition."""

    scope: _Scope
    branch: _Scope


def named_nodes(tree: ast.AST, is_wanted: Callable[[ast.expr], bool]) -> Iterator[Named]:
    """Every wanted expression under each of its names, in the order of the text."""
    todo: list[_Visit | _EndOfBranch] = [_Visit(tree, _Scope())]
    while todo:
        visit = todo.pop()
        if isinstance(visit, _EndOfBranch):
            for name in visit.branch.known.maps[0]:
                visit.scope.bind(name, None)
            continue
        if isinstance(visit.node, ast.expr) and is_wanted(visit.node):
            yield from (Named(visit.node, visit.node, path) for path in visit.paths or ("",))
            for path in visit.paths:
                visit.scope.bind(path, visit.node)
            continue
        other = _other_name(visit)
        if other is not None:
            for path in visit.paths:
                visit.scope.bind(path, other)
                if isinstance(visit.node, ast.expr) and not visit.scope.is_function:
                    yield Named(other, visit.node, path)
            continue
        todo += reversed(_next(visit))


def _other_name(visit: _Visit) -> ast.expr | None:
    """The expression that a name stands for, where a name is given another."""
    dotted = _dotted(visit.node) if visit.paths else ""
    return visit.scope.known.get(dotted) if dotted else None


def _dotted(node: ast.AST) -> str:
    """`a.b`, for `a.b` and `a["b"]`; empty for anything else."""
    parts: list[str] = []
    while len(parts) < _MAX_DOTS:
        match node:
            case ast.Name(id=name):
                return ".".join([name, *reversed(parts)])
            case ast.Attribute(value=value, attr=name):
                parts.append(name)
                node = value
            case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as key)):
                parts.append(str(key))
                node = value
            case _:
                return ""
    return ""


def _next(visit: _Visit) -> list[_Visit | _EndOfBranch]:
    """What is to be looked at after a node, in order."""
    node, scope, paths = visit.node, visit.scope, visit.paths
    match node:
        case ast.ClassDef(name=name):
            inner = scope.inner(prefix=name)
            return [_Visit(child, inner) for child in ast.iter_child_nodes(node)]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            inner = scope.inner(is_function=True)
            return [_Visit(child, inner) for child in ast.iter_child_nodes(node)]
        case ast.If() | ast.For() | ast.While() | ast.Try() | ast.Match():
            return _branches(node, scope)
        case ast.Assign(targets=targets, value=value):
            return _assigned(targets, value, scope)
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            return _assigned([target], annotation if value is None else value, scope)
        case ast.NamedExpr(target=target, value=value):
            return _assigned([target], value, scope)
        case ast.Dict(keys=keys, values=values):
            found: list[_Visit | _EndOfBranch] = []
            for key, value in zip(keys, values, strict=True):
                named = isinstance(key, ast.Constant) and isinstance(key.value, str | int)
                key_text = str(key.value) if named and isinstance(key, ast.Constant) else ""
                found.append(_Visit(value, scope, _below(paths, key_text)))
            return found
        case ast.List(elts=parts) | ast.Tuple(elts=parts) if paths:
            return [_Visit(part, scope, _below(paths, str(at))) for at, part in enumerate(parts)]
        case ast.Call(func=ast.Name(id="eval"), args=[inner_node]):
            return [_Visit(inner_node, scope, paths)]
        case ast.Call(func=func, args=args, keywords=keywords):
            is_dictionary = _dotted(func).rpartition(".")[2] in _DICTIONARIES
            around = paths if is_dictionary else ()
            return [
                *(_Visit(part, scope, around) for part in args),
                *(
                    _Visit(word.value, scope, _below(around, word.arg or ""))
                    for word in keywords
                    # `train(genotype=DARTS)` gives no genotype another name.
                    if is_dictionary or not _dotted(word.value)
                ),
            ]
    return [_Visit(child, scope) for child in ast.iter_child_nodes(node)]


def _below(paths: tuple[str, ...], key: str) -> tuple[str, ...]:
    if not key:
        return ()
    return tuple(f"{path}.{key}" for path in paths) or (key,)


def _branches(node: ast.stmt, scope: _Scope) -> list[_Visit | _EndOfBranch]:
    """The parts of a statement that may or may not run."""
    found: list[_Visit | _EndOfBranch] = []
    for _, part in ast.iter_fields(node):
        if not isinstance(part, list):
            found += [_Visit(part, scope)] if isinstance(part, ast.AST) else []
            continue
        branch = scope.branch()
        found += [_Visit(child, branch) for child in part if isinstance(child, ast.AST)]
        found.append(_EndOfBranch(scope, branch))
    return found


def _assigned(
    targets: list[ast.expr], value: ast.expr, scope: _Scope
) -> list[_Visit | _EndOfBranch]:
    match targets, value:
        case [ast.Tuple(elts=names) | ast.List(elts=names)], (
            ast.Tuple(elts=values) | ast.List(elts=values)
        ) if len(names) == len(values):
            pairs = zip(names, values, strict=True)
            return [_Visit(part, scope, _paths([name])) for name, part in pairs]
    paths = _paths(targets)
    # A name that is given something else no longer means what it meant.
    for path in paths:
        scope.bind(path, None)
    return [_Visit(value, scope, paths)]


def _paths(targets: list[ast.expr]) -> tuple[str, ...]:
    return tuple(path for path in map(_dotted, targets) if path)
