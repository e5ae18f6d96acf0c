"""YAML as values with places, within limits.

One document by PyYAML's safe loader, node by node: no tags, no key twice, bounded depth and
numbers, and aliases that cannot multiply.
"""

import yaml

from nasdsl.errors import Span
from nasdsl.interop.foreign import MAX_DEPTH, MAX_NUMBER, Foreign
from nasdsl.interop.literals import LiteralValue, repeated_key

#: How many values a document may have once its aliases are written out.
_MAX_VALUES = 20_000
#: The longest number; `1:59:59` and on are sums of powers of 60, which take long to add up.
_MAX_DIGITS = 40
_PLAIN = {
    "tag:yaml.org,2002:str",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:null",
    "tag:yaml.org,2002:seq",
    "tag:yaml.org,2002:map",
    # What PyYAML makes of the pairs of a genotype. A node of it is a sequence, as it was written.
    "tag:yaml.org,2002:python/tuple",
}


def yaml_value(foreign: Foreign) -> LiteralValue:
    """The value of the one document in the text.

    Raises:
        CellError: NAS651 where it is no YAML or has tags; NAS656 where it nests too deep or
            its aliases make too much of it.
    """
    try:
        node = _Loader(foreign).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = min(mark.index if mark else 0, max(len(foreign.text) - 1, 0))
        text = f"this is not YAML: {error.problem or error.context}"
        raise foreign.cell_error("NAS651", text, Span(at, min(at + 1, len(foreign.text)))) from None
    except yaml.YAMLError as error:
        raise foreign.cell_error("NAS651", f"this is not YAML: {error}"[:200]) from None
    if node is None:
        raise foreign.cell_error("NAS651", "there is no document in the text")
    return _Reading(foreign).value(node)


class _Loader(yaml.SafeLoader):
    """PyYAML's loader, which recurses, with a limit to how deep."""

    def __init__(self, foreign: Foreign) -> None:
        super().__init__(foreign.text)
        self.foreign, self.depth = foreign, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth > MAX_DEPTH:
            at = self.get_mark().index
            text = f"values nest deeper than {MAX_DEPTH}"
            raise self.foreign.cell_error("NAS656", text, Span(at, at + 1))
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Reading:
    """One document's nodes to values, counted."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign, self.made, self.open = foreign, 0, set[int]()
        self.loader = yaml.SafeLoader("")

    def value(self, node: yaml.Node) -> LiteralValue:
        span = Span(node.start_mark.index, node.end_mark.index)
        self.made += 1
        if self.made > _MAX_VALUES:
            text = f"aliases make more than {_MAX_VALUES:,} values of this document"
            raise self.foreign.cell_error("NAS656", text, span)
        if id(node) in self.open:
            raise self.foreign.cell_error("NAS656", "an alias holds itself", span)
        if node.tag not in _PLAIN:
            text = f"the tag {node.tag.removeprefix('tag:yaml.org,2002:')!r:.60} is not read"
            raise self.foreign.cell_error("NAS651", text, span)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, span)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return LiteralValue([self.value(part) for part in node.value], span)
            assert isinstance(node, yaml.MappingNode)
            return LiteralValue(self._pairs(node), span)
        finally:
            self.open.discard(id(node))

    def _pairs(self, node: yaml.MappingNode) -> dict[str, LiteralValue]:
        found: dict[str, LiteralValue] = {}
        for key, part in node.value:
            name = self._key(key)
            if name in found:
                span = Span(key.start_mark.index, key.end_mark.index)
                raise repeated_key(self.foreign, name, span)
            found[name] = self.value(part)
        return found

    def _scalar(self, node: yaml.ScalarNode, span: Span) -> LiteralValue:
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and len(node.value) > _MAX_DIGITS:
            raise self.foreign.cell_error("NAS656", "the number has too many digits", span)
        try:
            data = self.loader.construct_object(node)
        except (ValueError, LookupError, yaml.YAMLError):
            # PyYAML looks `!!bool` up in a table, and at the first character of a number.
            raise self.foreign.cell_error("NAS651", "this value cannot be read", span) from None
        if isinstance(data, int) and abs(data) > MAX_NUMBER:
            raise self.foreign.cell_error("NAS656", f"the number is over {MAX_NUMBER:,}", span)
        return LiteralValue(data, span)

    def _key(self, node: yaml.Node) -> str:
        span = Span(node.start_mark.index, node.end_mark.index)
        if not isinstance(node, yaml.ScalarNode):
            raise self.foreign.cell_error("NAS651", "a key is not a text", span)
        # `N` and `yes` are keys like others, whatever YAML 1.1 makes of them.
        return str(node.value)
