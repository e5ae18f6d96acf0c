"""Measure 1x1 convolutions that are added as one over the concatenation of what they read.

    python -m bench.joined
    python -m bench.joined --networks nasnet_a_large --rounds 6

Each network has the passes of its runtime, without and with this rewriting. A figure is the
fastest of all rounds on one thread, in processor time, and the relation of the two. A round runs
them in the order a, b, b, a, so that both find as often what they left in the caches.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch

import nasdsl
from bench.exports import RUNTIMES, Run, fastest
from nasdsl import backend, export
from nasdsl.network.derived import Derived
from nasdsl.network.graph import Body, NetworkGraph, Node
from nasdsl.passes import FOR_INFERENCE, Pipeline, run
from nasdsl.passes.bodies import Rewritten, readers_of, with_bodies, with_nodes


def joined(body: Body) -> Rewritten:
    """The body where sums of 1x1 convolutions that nothing else reads are one convolution."""
    readers, nodes = readers_of(body), {node.name: node for node in body.nodes}
    changed: dict[str, tuple[Node, ...]] = {}
    tensors: dict[str, Derived] = {}
    for total in (node for node in body.nodes if node.primitive == "sum"):
        halves = [nodes[name] for name in total.inputs if name in nodes]
        kinds = {(h.primitive, h.kernel, h.bias, h.stride, h.before[1:]) for h in halves}
        alone = all(len(readers[h.name]) == 1 and h.name not in body.outputs for h in halves)
        if len(halves) < len(total.inputs) or len(kinds) > 1 or not alone:
            continue
        if (halves[0].primitive, halves[0].kernel, halves[0].bias) != ("conv", (1, 1), True):
            continue
        name, before = f"{total.name}.joined", halves[0].before
        wide = before._replace(channels=sum(half.before.channels for half in halves))
        concat = Node(name, "concat", tuple(half.inputs[0] for half in halves), before, wide)
        made = halves[0]._replace(name=total.name, inputs=(name,), before=wide)
        changed |= {half.name: () for half in halves} | {total.name: (concat, made)}
        for tensor, make in (("weight", _side_by_side), ("bias", _added)):
            of = tuple(f"{half.name}.{tensor}" for half in halves)
            tensors[f"{total.name}.{tensor}"] = Derived(make, of)
    return Rewritten(with_nodes(body, changed), tensors)


def _side_by_side(*kernels: Any) -> Any:
    return torch.cat(kernels, dim=1)


def _added(*biases: Any) -> Any:
    return sum(biases)


def network_of(net: Any, graph: NetworkGraph, images: Any) -> Any:
    """A network of the graph with the weights of `net`, whose logits it has."""
    made = backend.build(backend.find("torch"), graph, Pipeline(()), device="cpu")
    state = net.state_dict()
    state |= {name: one.value(state) for name, one in graph.tensors.items()}
    made.load_state_dict({name: state[name] for name in made.state_dict()})
    logits, made = net(images), made.eval().to(memory_format=torch.channels_last)
    assert (made(images) - logits).abs().max() < 1e-5 * logits.abs().max()
    return made


def measured(network: str, rounds: int, folder: Path) -> list[str]:
    net = nasdsl.compile(network, seed=0).eval()
    for name, tensor in net.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
    images = torch.randn((1, *net.graph.image))
    plain = run(net.graph, FOR_INFERENCE)
    graphs = plain, with_bodies(plain, joined)
    nets = [network_of(net, graph, images) for graph in graphs]
    files = [str(folder / f"{network}.{number}.onnx") for number in range(2)]
    for graph, file in zip(graphs, files, strict=True):
        export.write(network_of(net, run(graph, ("pad",)), images), Path(file))
    blocks = images.contiguous(memory_format=torch.channels_last)
    pairs: list[list[Run]] = [[partial(one, blocks) for one in nets]]
    pairs += [[load(file, images.numpy(), 1) for file in files] for load in RUNTIMES.values()]
    row = [network]
    for a, b in pairs:
        first, second, third, fourth = fastest([a, b, b, a], rounds, 1)
        before, after = min(first, fourth), min(second, third)
        row.append(f"{1e3 * before:.1f} ms, {1e3 * after:.1f} ms, {after / before:.2f}")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="nasnet_a_mobile")
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| network | {' | '.join(('PyTorch', *RUNTIMES))} |\n|{' --- |' * 4}", flush=True)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        for network in chosen.networks.split(","):
            row = measured(network, chosen.rounds, Path(folder))
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
