"""Cells in the terminal: a tree from the output down to the states it comes from.

Purpose: `nasdsl show --tree`, which needs no Graphviz.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.text import Text
from rich.tree import Tree

from nasdsl.drawing.cell import TITLES
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    BlockSpace,
    BlockState,
    CellSpace,
    Hidden,
    Space,
    State,
)
from nasdsl.report.visible import visible

#: Levels of blocks within blocks; what is deeper stands further down on its own.
_DEEPEST = 6
#: Options of a hole that are listed.
_LISTED = 4

_INPUT, _OP, _COMBINE, _OUTPUT, _NAME, _DIM = "cyan", "yellow", "green", "magenta", "bold", "dim"


def space_tree(space: Space) -> Tree:
    """The cells of a space or genotype. A block is unfolded once, where it is first met."""
    tree = Tree(Text(visible(space.name), style="bold"), guide_style=_DIM)
    for cell in sorted(space.cells, key=lambda cell: CELL_KINDS.index(cell.kind)):
        _Unfolding(cell).add_to(tree)
    return tree


@dataclass
class _Unfolding:
    cell: CellSpace
    waiting: list[State] = field(default_factory=list)
    met: set[State] = field(default_factory=set)
    blocks: dict[State, BlockSpace] = field(init=False)

    def __post_init__(self) -> None:
        self.blocks = {BlockState(block.name): block for block in self.cell.blocks}

    def add_to(self, tree: Tree) -> None:
        cell = self.cell
        branch = tree.add(Text(TITLES[cell.kind], style="bold"))
        word = "each" if cell.output.kind == "each" else "concat"
        label = Text.assemble((word, _OUTPUT))
        if cell.output.kind == "unused" and not self.pinned:
            label.append(" of the blocks that none reads", style=_DIM)
        top = branch.add(label)
        for state in self.outputs:
            self.state(top, state, 0)
        while self.waiting:
            self.state(branch, self.waiting.pop(0), 0)
        dead = [state for state in self.blocks if state not in self.met]
        if dead:
            aside = branch.add(Text("reaches no output", style=_DIM))
            for state in dead:
                self.state(aside, state, 0)

    @property
    def pinned(self) -> bool:
        return all(len(states) == 1 for block in self.cell.blocks for states in block.inputs)

    @property
    def outputs(self) -> tuple[State, ...]:
        """What the output lists; blocks that are surely not unused are left out of `unused`."""
        if self.cell.output.kind != "unused":
            return self.cell.output.states
        fields = (states for block in self.cell.blocks for states in block.inputs)
        read = {states[0] for states in fields if len(states) == 1}
        return tuple(state for state in self.blocks if state not in read)

    def state(self, tree: Tree, state: State, depth: int) -> None:
        """A state, with what computes it where that is not shown yet."""
        if isinstance(state, Hidden):
            tree.add(Text(str(state), style=_INPUT))
            return
        block = self.blocks.get(state)
        if block is None or state in self.met:
            tree.add(Text.assemble((visible(state.name), _NAME), (" (above)", _DIM)))
            return
        if depth >= _DEEPEST:
            tree.add(Text.assemble((visible(state.name), _NAME), (" (below)", _DIM)))
            if state not in self.waiting:
                self.waiting.append(state)
            return
        self.met.add(state)
        label = Text.assemble((visible(block.name), _NAME), " = ")
        branch = tree.add(label.append_text(_options(block.combines, _COMBINE)))
        for ops, states in zip(block.ops, block.inputs, strict=True):
            op = _options(ops, _OP)
            if len(states) > 1:
                branch.add(op.append(" of ").append_text(_options(map(str, states), _INPUT)))
            elif isinstance(states[0], Hidden):
                branch.add(op.append(" of ").append(str(states[0]), style=_INPUT))
            else:
                self.state(branch.add(op), states[0], depth + 1)


def _options(names: Iterable[str], style: str) -> Text:
    """A name, or a hole with what may stand there."""
    listed = [visible(name) for name in names]
    if len(listed) == 1:
        return Text(listed[0], style=style)
    if len(listed) > _LISTED:
        return Text(f"? (any of {len(listed)})", style=f"{style} italic")
    return Text(f"{{{' | '.join(listed)}}}", style=f"{style} italic")
