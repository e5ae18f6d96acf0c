"""What notebooks show: the picture as SVG, and text where there is none.

Purpose: the function that `nasdsl.language.genotype.display` calls for values that show themselves.
Non-goals: raising: a notebook that cannot draw still prints.
"""

from nasdsl.drawing.draw import Drawing, genotype_drawing, network_drawing, space_drawing
from nasdsl.drawing.graphviz_dot import svg
from nasdsl.drawing.network_boxes import stack_lines
from nasdsl.drawing.options import Options
from nasdsl.errors import CellError
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Cell, Genotype, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network import NetworkGraph

_OPTIONS = Options()


def bundle(value: object) -> dict[str, str]:
    """The value as `text/plain`, and as `image/svg+xml` where Graphviz is installed."""
    if isinstance(value, Cell):
        # Without a vocabulary nothing is known of its ops, and all have one colour.
        value = Genotype("cell", Vocabulary(""), (value,))
    text, drawing = _shown(value)
    try:
        return {"text/plain": text, "image/svg+xml": svg(drawing)}
    except CellError:
        return {"text/plain": text}


def _shown(value: object) -> tuple[str, Drawing]:
    if isinstance(value, Genotype):
        return genotype_text(value).rstrip("\n"), genotype_drawing(value, _OPTIONS)
    if isinstance(value, Space):
        return space_text(value).rstrip("\n"), space_drawing(value, _OPTIONS)
    assert isinstance(value, NetworkGraph), type(value)
    return "\n".join(stack_lines(value)), network_drawing(value, _OPTIONS)
