"""A network as a genotype and as a text that need no other file, with every choice written out.

Purpose: what runs and exported files carry, from which the network can be built again.
`nasdsl.language.parser.read` reads it back.
"""

from dataclasses import fields, replace

from nasdsl import library
from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network.configuration import Configuration
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.skeleton import SKELETONS


def network_text(graph: NetworkGraph) -> str:
    """The text, with every choice written out.

    Raises:
        CellError: NAS708, the graph was not made from a genotype.
    """
    return genotype_text(network_genotype(graph))


def network_genotype(graph: NetworkGraph) -> Genotype:
    """The genotype that the text says: with every op it uses, and all settings.

    Raises:
        CellError: NAS708, the graph was not made from a genotype.
    """
    if graph.genotype is None:
        raise cell_error(
            "NAS708", f"`{graph.name}` was not made from a genotype, so it has no text"
        )
    genotype = self_contained_genotype(graph.genotype)
    return genotype.with_settings(all_settings(genotype, graph.configuration))


def all_settings(genotype: Genotype, configuration: Configuration) -> Settings:
    """A configuration's choices as settings, but for those that do not apply to its skeleton.

    The width is that of the penultimate layer, unless cells round it so that several first cells
    have the same.
    """
    skeleton = SKELETONS.find(configuration.name)
    fixed = skeleton.does_not_apply(configuration.stem)
    names = {item.name for item in fields(Settings)} - {"skeleton", "cell_filters", *fixed}
    chosen = {name: getattr(configuration, name) for name in names}
    settings = Settings(skeleton=configuration.name, **chosen)
    widths = skeleton.widths(genotype, skeleton.planned_for(configuration))
    if widths.cell_filters(configuration.filters) == configuration.cell_filters:
        return settings
    return replace(settings, filters=None, cell_filters=configuration.cell_filters)


def self_contained_genotype(genotype: Genotype) -> Genotype:
    """The genotype, with the ops it uses defined in its own text unless the library has them."""
    vocabulary = genotype.vocabulary
    blocks = [block for cell in genotype.cells for block in cell.blocks]
    ops = {op: vocabulary.op[op] for block in blocks for op in block.ops}
    combines = {block.combine: vocabulary.combine[block.combine] for block in blocks}
    try:
        known = library.vocabulary(vocabulary.name)
    except CellError:
        known = Vocabulary("")
    own = {
        *(name for name, op in ops.items() if known.op.get(name) != op),
        *(name for name, combine in combines.items() if known.combine.get(name) != combine),
    }
    if own <= set(vocabulary.local):
        return genotype
    local = (*ops, *combines)
    return replace(
        genotype,
        vocabulary=Vocabulary("", tuple(ops.values()), tuple(combines.values()), local),
    )
