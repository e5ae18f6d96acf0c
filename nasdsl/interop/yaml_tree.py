"""YAML as values with places, within limits.

Purpose: one document by PyYAML's safe loader, node by node: no tags, bounded depth, and aliases
that cannot multiply.
Non-goals: what the values mean.
"""

import yaml

from nasdsl.errors import Span
from nasdsl.interop.foreign import MAX_DEPTH, Foreign
from nasdsl.interop.literals import Value

#: How many values a document may have once its aliases are written out.
_MAX_VALUES = 20_000
_PLAIN = {
    "tag:yaml.org,2002:str",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:null",
    "tag:yaml.org,2002:seq",
    "tag:yaml.org,2002:map",
}


def yaml_value(foreign: Foreign) -> Value:
    """The value of the one document in the text.

    Raises:
        CellError: NAS651 where it is no YAML or has tags; NAS656 where it nests too deep or
            its aliases make too much of it.
    """
    try:
        _check_depth(foreign)
        node = yaml.compose(foreign.text, Loader=yaml.SafeLoader)
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


def _check_depth(foreign: Foreign) -> None:
    """Composing recurses, so the depth is known before."""
    depth = 0
    for event in yaml.parse(foreign.text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                at = event.start_mark.index if event.start_mark else 0
                text = f"values nest deeper than {MAX_DEPTH}"
                raise foreign.cell_error("NAS656", text, Span(at, at + 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reading:
    """One document's nodes to values, counted."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign, self.made, self.open = foreign, 0, set[int]()
        self.loader = yaml.SafeLoader("")

    def value(self, node: yaml.Node) -> Value:
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
                return Value([self.value(part) for part in node.value], span)
            assert isinstance(node, yaml.MappingNode)
            return Value({self._key(key): self.value(part) for key, part in node.value}, span)
        finally:
            self.open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, span: Span) -> Value:
        try:
            data = self.loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            raise self.foreign.cell_error("NAS651", "this value cannot be read", span) from None
        return Value(data, span)

    def _key(self, node: yaml.Node) -> str:
        span = Span(node.start_mark.index, node.end_mark.index)
        if not isinstance(node, yaml.ScalarNode):
            raise self.foreign.cell_error("NAS651", "a key is no text", span)
        # `N` and `yes` are keys like others, whatever YAML 1.1 makes of them.
        return str(node.value)
