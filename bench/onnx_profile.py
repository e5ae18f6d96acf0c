"""Where ONNX Runtime's time goes in an optimised network, and what is left to gain, as tables.

    python -m bench.onnx_profile
    python -m bench.onnx_profile --networks nasnet_a_large --rounds 10

ONNX Runtime's own profile of one image on one thread: for each kind of node, the shortest time of
each node in all rounds, added up, and the rate of convolutions in billions of operations a second
(a multiplication and an addition are two). A last line says what the same nodes would take if every
convolution ran at the highest rate of its kind, and what a product of matrices and a copy reach in
PyTorch.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy

import nasdsl
from bench.exports import machine
from nasdsl import export
from nasdsl.passes import FOR_BLOCKS


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the runtime's graph: what it is, the seconds it takes, and its operations."""

    kind: str
    seconds: float
    operations: int


def profile(path: str, size: int, rounds: int, folder: Path) -> list[dict[str, Any]]:
    """The events of ONNX Runtime's profile."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    image = numpy.random.default_rng(0).standard_normal((1, 3, size, size)).astype("float32")
    for _ in range(rounds):
        session.run(None, {"image": image})
    events: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text())
    return events


def nodes_of(events: Sequence[dict[str, Any]]) -> list[Node]:
    """Every node, with its shortest time."""
    found: dict[str, Node] = {}
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        name, seconds = event["name"], event["dur"] / 1e6
        if name not in found or seconds < found[name].seconds:
            kind, operations = _kind(event["args"])
            found[name] = Node(kind, seconds, operations)
    return list(found.values())


def _kind(args: dict[str, Any]) -> tuple[str, int]:
    """What a node is, and the operations of a convolution."""
    if args["op_name"] != "Conv":
        return args["op_name"], 0
    weight, made = args["input_type_shape"][1]["float"], args["output_type_shape"][0]["float"]
    side = f"{weight[2]}x{weight[3]}"
    kind = "depthwise" if weight[1] == 1 else "pointwise" if side == "1x1" else "convolution"
    return f"{kind} {side}", 2 * prod(weight) * made[2] * made[3]


def table(name: str, nodes: Sequence[Node]) -> str:
    """Markdown, the most expensive kind first."""
    kinds = {node.kind for node in nodes}
    whole = sum(node.seconds for node in nodes)
    lines = [f"| `{name}` | nodes | ms | share | GFLOP/s, highest |", "|---|--:|--:|--:|--:|"]
    rows = []
    bound = 0.0
    for kind in kinds:
        same = [node for node in nodes if node.kind == kind]
        seconds, operations = sum(n.seconds for n in same), sum(n.operations for n in same)
        rate = max(node.operations / node.seconds for node in same)
        bound += operations / rate if rate else seconds
        rates = f"{operations / seconds / 1e9:.0f}, {rate / 1e9:.0f}" if rate else ""
        words = f"{len(same)} | {1e3 * seconds:.2f} | {seconds / whole:.2f} | {rates}"
        rows.append((seconds, f"| {kind} | {words} |"))
    lines += [line for _, line in sorted(rows, reverse=True)]
    lines.append(f"| together | {len(nodes)} | {1e3 * whole:.2f} | 1.00 | |")
    return "\n".join([*lines, f"\nEvery convolution at its highest rate: {1e3 * bound:.2f} ms"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="nasnet_a_mobile")
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args()
    for name in chosen.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.onnx")
            net = nasdsl.optimize(nasdsl.compile(name, seed=0).eval(), passes=FOR_BLOCKS)
            export.write(net, path)
            size = net.graph.image.height
            events = profile(str(path), size, chosen.rounds, Path(folder))
        print(table(name, nodes_of(events)), end="\n\n", flush=True)
    print(f"PyTorch, one thread: {machine(1)}")


if __name__ == "__main__":
    main()
