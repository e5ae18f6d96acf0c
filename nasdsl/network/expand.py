"""From a genotype and a configuration to a NetworkGraph.

Purpose: the one way in.
Non-goals: wiring; each skeleton has its own file in `nasdsl/skeletons`.
"""

from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.bodies import Bodies
from nasdsl.network.complete import configuration_of
from nasdsl.network.configuration import Configuration
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.needed import needed
from nasdsl.network.skeleton import SKELETONS
from nasdsl.network.stack import Stack


def network_graph(
    genotype: Genotype,
    settings: Settings | Configuration | None = None,
    bodies: Bodies | None = None,
) -> NetworkGraph:
    """Every primitive of the network that a genotype and its settings describe.

    Args:
        genotype: the cells, and settings of their own.
        settings: settings that win over the genotype's, or a whole configuration.
        bodies: those of networks with the same configuration; what is made is added.

    Raises:
        CellError: what `configuration_of` raises; NAS308 where shapes inside a cell do not
            match; NAS309 where an op cannot reduce.
    """
    if not isinstance(settings, Configuration):
        settings = configuration_of(genotype, settings)
    skeleton = SKELETONS.find(settings.name)
    plan = skeleton.planned_for(settings)
    auxiliary = skeleton.stems[settings.stem].auxiliary
    stack = Stack(
        genotype,
        settings,
        skeleton.rules,
        plan,
        skeleton.depth,
        auxiliary,
        skeleton.own,
        bodies or Bodies(),
    )
    skeleton.stack(stack)
    return needed(NetworkGraph(genotype.name, settings, tuple(stack.modules), genotype))
