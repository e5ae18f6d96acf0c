"""The generated file as a whole.

Purpose: the parts in the order people read them, each two lines apart.
Non-goals: the parts.
"""

from collections.abc import Iterable

from nasdsl.network.graph import NetworkGraph
from nasdsl.network.skeleton import SKELETONS, Initialisation
from nasdsl_backends.source.cells import cell_classes, class_lines
from nasdsl_backends.source.chains import chains_of
from nasdsl_backends.source.helpers import HELPERS, with_needed
from nasdsl_backends.source.network import network_lines
from nasdsl_backends.source.words import prose

_OUTPUTS = '''\
class NetworkOutputs(NamedTuple):
    """What the network gives in training."""

    logits: Tensor
    aux_logits: Tensor
'''

#: The lines that work out a layer's fan.
_FANS = {
    "out": [
        'groups = getattr(layer, "groups", 1)',
        "fan_out = layer.weight.shape[0] // groups * layer.weight[0, 0].numel()",
    ],
    "in": ['fan_in = getattr(layer, "groups", 1) * layer.weight[0].numel()'],
}


def page(graph: NetworkGraph, text: str) -> str:
    """The file.

    Args:
        graph: the network.
        text: the `.cell` text it was made from, for the docstring; "" leaves it out.
    """
    used: set[str] = set()
    cells = [module for module in graph.modules if module.role == "cell"]
    bodies = {id(module.body): (module.body, module.filters) for module in cells}
    chains = chains_of(bodies.values())
    classes = cell_classes(cells, chains)
    written = [class_lines(cell, chains, used) for cell in classes]
    functions = chains.lines(used)
    network = network_lines(graph, classes, used)
    initialise = _initialise(SKELETONS.find(graph.configuration.name).initialisation)
    blocks = [
        _head(graph, text, used),
        *_helpers(used),
        *functions,
        *written,
        *([_OUTPUTS.splitlines()] if graph.auxiliary_logits else []),
        network,
        *([initialise] if initialise else []),
        _build(bool(initialise)),
        _main(graph),
    ]
    return "\n\n\n".join("\n".join(block) for block in blocks) + "\n"


def _head(graph: NetworkGraph, text: str, used: set[str]) -> list[str]:
    chosen = graph.configuration
    needed = with_needed(used)
    helpers = "".join(HELPERS[name].text for name in needed if name in HELPERS)
    constants = {
        "EPSILON": chosen.batch_norm_epsilon
        if "EPSILON" in helpers or "ChannelNorm" in needed
        else None,
        "MOMENTUM": chosen.batch_norm_momentum if "MOMENTUM" in helpers else None,
        "DROP_PATH": chosen.drop_path if "drop_path" in needed else None,
        "DROPOUT": chosen.dropout if chosen.dropout > 0 else None,
    }
    listed = [f"{name} = {value!r}" for name, value in constants.items() if value is not None]
    return [
        f'"""{prose(graph.name[:60])} as a PyTorch module.',
        "",
        "Written by nasdsl. It needs PyTorch and nothing else.",
        *_text_lines(text),
        '"""',
        "",
        *_standard_imports(graph, needed),
        "import torch",
        *(["import torch.nn.functional as F"] if "F" in needed else []),
        "from torch import Tensor, nn",
        *(["", *listed] if listed else []),
    ]


def _text_lines(text: str) -> list[str]:
    lines = [f"    {line}".rstrip() for line in map(prose, text.strip("\n").split("\n"))]
    return ["", "The network in nasdsl's language:", "", *lines] if text.strip() else []


def _standard_imports(graph: NetworkGraph, needed: set[str]) -> list[str]:
    lines = ["from collections import OrderedDict"] if "OrderedDict" in needed else []
    if graph.auxiliary_logits:
        lines.append("from typing import NamedTuple")
    return [*lines, ""] if lines else []


def _helpers(used: set[str]) -> Iterable[list[str]]:
    needed = with_needed(used)
    # The order of the table: what others need comes first.
    return [helper.text.splitlines() for name, helper in HELPERS.items() if name in needed]


def _initialise(rule: Initialisation) -> list[str]:
    """The function that draws the first weights; none where PyTorch's own are meant."""
    if rule.distribution == "uniform":
        return []
    variance = " * ".join(f"{factor:g}" for factor in rule.factors)
    return [
        "def initialise(network: nn.Module) -> None:",
        f'    """Draw weights {rule.after}."""',
        "    for layer in network.modules():",
        "        if isinstance(layer, (nn.Conv2d, nn.Linear)):",
        *(f"            {line}" for line in _FANS[rule.fan]),
        f"            std = ({variance} / fan_{rule.fan}) ** 0.5",
        "            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)",
        "            if layer.bias is not None:",
        "                nn.init.zeros_(layer.bias)",
    ]


def _build(initialises: bool) -> list[str]:
    lines = [
        "def build() -> Network:",
        '    """The network, untrained."""',
    ]
    if not initialises:
        return [*lines, "    return Network()"]
    return [*lines, "    network = Network()", "    initialise(network)", "    return network"]


def _main(graph: NetworkGraph) -> list[str]:
    image = graph.image
    return [
        'if __name__ == "__main__":',
        "    network = build().eval()",
        "    with torch.no_grad():",
        f"        logits = network(torch.randn(1, {image.channels}, {image.height}, "
        f"{image.width}))",
        "    count = sum(parameter.numel() for parameter in network.parameters())",
        '    print(f"{count:,} parameters, logits {tuple(logits.shape)}")',
    ]
