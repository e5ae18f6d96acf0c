"""The format `lines`: a line for the genotype, then a line per block.

lines NAME VOCABULARY
normal b0 h[i] h[i-1] sep_conv_3x3 identity add
"""

import nasdsl
from nasdsl.errors import Diagnostic, cell_error
from nasdsl.interop.foreign import Foreign, Options
from nasdsl.interop.formats import Format


def read(foreign: Foreign, options: Options) -> list[nasdsl.Genotype]:
    """The genotype of a text."""
    head, *blocks = (line.split() for line in foreign.text.splitlines() if line.strip())
    if len(head) != 3 or any(len(words) != 7 for words in blocks):
        raise foreign.cell_error("NAS651", "expected a line of 3 words, then lines of 7")
    cells: dict[str, list[str]] = {}
    for kind, name, *fields in blocks:
        cells.setdefault(kind, []).append(f"{name} = ({', '.join(fields)})")
    text = f"genotype {options.name or head[1]}\nops {head[2]}\n"
    for kind, lines in cells.items():
        text += f"\ncell {kind} {{\n" + "\n".join(lines) + "\n}\n"
    return [nasdsl.loads(text)]


def write(genotype: nasdsl.Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The text, and what of the genotype it does not say."""
    lost = [Diagnostic("NAS655", "network settings are left out")] * bool(genotype.settings.given())
    lines = [f"lines {genotype.name} {genotype.vocabulary.name}"]
    for cell in genotype.cells:
        if cell.output.kind != "unused":
            raise cell_error("NAS654", f"the output of the {cell.kind} cell cannot be said")
        lines += [" ".join((cell.kind, block.name, *block.fields)) for block in cell.blocks]
    return "\n".join(lines) + "\n", lost


FORMAT = Format("a line per block", sign=r"\Alines \w+ \w+\n", read=read, write=write)
