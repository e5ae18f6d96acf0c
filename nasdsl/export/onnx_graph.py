"""A network graph as an ONNX model, node by node.

Purpose: runtimes load networks often and want every node as they like it best: paddings as numbers,
sums and pools that their own optimisers recognise, and no slices, for which they leave their
blocked layouts. Tracing a network with PyTorch's exporter takes a hundred times longer.
Non-goals: images of other sizes than the network's, training. Files for others are made by
`onnx_file`, which can do the first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from nasdsl.network.graph import IMAGE, NetworkGraph, Node, Ref
from nasdsl.primitives import PRIMITIVES, pads

#: The operator set and the version of the format that has it.
OPSET, IR_VERSION = 18, 8
#: From a writer, a node and the names of its inputs to the name of its output.
Emit = Callable[["_Writer", Node, Sequence[str]], str]


def can_write(graph: NetworkGraph, tensors: Mapping[str, Any]) -> bool:
    """Whether there is an emission for each primitive, and a tensor for each that they own.

    Args:
        graph: the network.
        tensors: those of its module; a module whose layers were replaced has others.
    """
    nodes = list(_evaluated(graph))
    if any(node.primitive not in EMISSIONS for _, _, node in nodes):
        return False
    owned = {
        f"{module}.{node.name}.{tensor.name}": tensor.sizes
        for module, _, node in nodes
        for tensor in PRIMITIVES[node.primitive].tensors(node)
    }
    return all(
        name in tensors and tuple(tensors[name].shape) == sizes for name, sizes in owned.items()
    )


def onnx_graph(graph: NetworkGraph, tensors: Mapping[str, Any]) -> Any:
    """An `onnx.ModelProto` from `image`, (batch, C, H, W), to `logits`, (batch, classes).

    Args:
        graph: the network; what only training needs is left out.
        tensors: its parameters and statistics by full names, as numpy arrays in float32.
    """
    writer = _Writer(graph, tensors)
    names = {IMAGE: "image"}
    for module, inputs, node in _evaluated(graph):
        writer.node = f"{module}.{node.name}"
        reads = [names[ref] for ref in inputs]
        names[Ref(module, node.name)] = EMISSIONS[node.primitive](writer, node, reads)
    writer.node = "logits"
    writer.add("Identity", [names[graph.logits]])
    return writer.model()


def _evaluated(graph: NetworkGraph) -> Iterator[tuple[str, tuple[Ref, ...], Node]]:
    """Every node that evaluation needs: its module, what it reads, and itself."""
    for module in graph.modules:
        if module.role == "auxiliary" or module.for_auxiliary:
            continue
        refs = {port.name: ref for port, ref in zip(module.body.ports, module.inputs, strict=True)}
        for node in module.body.nodes:
            yield module.name, tuple(refs[name] for name in node.inputs), node
            refs[node.name] = Ref(module.name, node.name)


class _Writer:
    """Collects the nodes of a model. `node` is the full name of the one that is written."""

    def __init__(self, graph: NetworkGraph, tensors: Mapping[str, Any]) -> None:
        self.graph, self.tensors = graph, tensors
        self.onnx: Any = import_module("onnx")
        self.numpy: Any = import_module("numpy")
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.node = ""

    def add(
        self, operator: str, inputs: Sequence[str], *, name: str = "", **attributes: Any
    ) -> str:
        """Write an ONNX node and return the name of its output: the graph's node, and `name`."""
        output = f"{self.node}{'.' if name else ''}{name}"
        make = self.onnx.helper.make_node
        self.nodes.append(make(operator, list(inputs), [output], name=output, **attributes))
        return output

    def own(self, name: str) -> str:
        """The name of a tensor of the graph's node."""
        return self.constant(name, self.tensors[f"{self.node}.{name}"])

    def constant(self, name: str, value: Any) -> str:
        """The name of a tensor with some value."""
        full = f"{self.node}.{name}"
        array = self.numpy.ascontiguousarray(value)
        self.initializers[full] = self.onnx.numpy_helper.from_array(array, full)
        return full

    def whole(self, name: str, values: Sequence[int]) -> str:
        """The name of a vector of whole numbers."""
        return self.constant(name, self.numpy.array(values, dtype=self.numpy.int64))

    def model(self) -> Any:
        """What has been written."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        image = helper.make_tensor_value_info("image", kind, ["batch", *self.graph.image])
        classes = self.graph.configuration.classes
        logits = helper.make_tensor_value_info("logits", kind, ["batch", classes])
        return helper.make_model(
            helper.make_graph(
                self.nodes, self.graph.name, [image], [logits], list(self.initializers.values())
            ),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="nasdsl",
        )


# -- emissions ----------------------------------------------------------------------------


def _window(node: Node) -> dict[str, Any]:
    (top, bottom), (left, right) = pads(node)
    return {
        "kernel_shape": list(node.kernel),
        "strides": list(node.stride),
        "pads": [top, left, bottom, right],
    }


def _relu(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    return writer.add("Relu", inputs)


def _same(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    return inputs[0]


def _convolution(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    tensors = [writer.own(tensor.name) for tensor in PRIMITIVES[node.primitive].tensors(node)]
    dilations = [node.dilation, node.dilation]
    return writer.add(
        "Conv", [*inputs, *tensors], group=node.groups, dilations=dilations, **_window(node)
    )


def _factorized_reduce(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    channels, height, width = node.before
    halves = []
    for half, shifted in (("conv0", False), ("conv1", True)):
        own = [t.name for t in PRIMITIVES[node.primitive].tensors(node) if t.name.startswith(half)]
        if not own:
            continue
        read, strides = inputs[0], [2, 2]
        if shifted:
            # x[1::2, 1::2] as a convolution that picks the last of four pixels: runtimes keep
            # their layout of images, which a slice would make them leave.
            pick = writer.numpy.zeros((channels, 1, 2, 2), dtype=writer.numpy.float32)
            pick[:, :, 1, 1] = 1
            kernel = writer.constant("pick", pick)
            read = writer.add(
                *("Conv", [read, kernel]),
                name="picked",
                kernel_shape=[2, 2],
                strides=[2, 2],
                group=channels,
                pads=[0, 0, height % 2, width % 2],
            )
            strides = [1, 1]
        tensors = [writer.own(name) for name in own]
        halves.append(
            writer.add("Conv", [read, *tensors], name=half, kernel_shape=[1, 1], strides=strides)
        )
    return writer.add("Concat", halves, axis=1)


def _batch_norm(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    names = ("weight", "bias", "running_mean", "running_var")
    epsilon = writer.graph.configuration.batch_norm_epsilon
    own = [writer.own(name) for name in names]
    return writer.add("BatchNormalization", [*inputs, *own], epsilon=epsilon)


def _instance_norm(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    epsilon = writer.graph.configuration.batch_norm_epsilon
    own = [writer.own(name) for name in ("weight", "bias")]
    return writer.add("InstanceNormalization", [*inputs, *own], epsilon=epsilon)


def _layer_norm(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    # One group: all numbers of an image are one channel.
    one, zero = writer.numpy.ones(1, "float32"), writer.numpy.zeros(1, "float32")
    flat = writer.add("Reshape", [*inputs, writer.whole("flat", [0, 1, -1])], name="flattened")
    epsilon = writer.graph.configuration.batch_norm_epsilon
    scales = [writer.constant("one", one), writer.constant("zero", zero)]
    normal = writer.add(
        "InstanceNormalization", [flat, *scales], name="normalised", epsilon=epsilon
    )
    shape = writer.whole("shape", [-1, *node.shape])
    back = writer.add("Reshape", [normal, shape], name="reshaped")
    weight, bias = (
        writer.constant(name, writer.tensors[f"{writer.node}.{name}"].reshape(-1, 1, 1))
        for name in ("weight", "bias")
    )
    scaled = writer.add("Mul", [back, weight], name="scaled")
    return writer.add("Add", [scaled, bias])


def _avg_pool(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    counted = int(node.count_padding)
    return writer.add("AveragePool", inputs, count_include_pad=counted, **_window(node))


def _max_pool(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    window = _window(node)
    top, left, bottom, right = window["pads"]
    if node.zero_padded and any(window["pads"]):
        borders = writer.whole("borders", [0, 0, top, left, 0, 0, bottom, right])
        inputs = [writer.add("Pad", [*inputs, borders], name="padded")]
        window["pads"] = [0, 0, 0, 0]
    return writer.add("MaxPool", inputs, **window)


def _zero(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    batch = writer.add("Shape", inputs, name="batch", start=0, end=1)
    rest = writer.whole("rest", node.shape)
    shape = writer.add("Concat", [batch, rest], name="shape", axis=0)
    return writer.add("ConstantOfShape", [shape])


def _sum(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    # Runtimes add in a convolution what is added to it, where that is a sum of two.
    total, *rest = inputs
    for number, other in enumerate(rest, 2):
        last = number == len(inputs)
        total = writer.add("Add", [total, other], name="" if last else f"first{number}")
    return total


def _concat(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    return writer.add("Concat", inputs, axis=1) if len(inputs) > 1 else inputs[0]


def _global_avg_pool(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    return writer.add("GlobalAveragePool", inputs)


def _linear(writer: _Writer, node: Node, inputs: Sequence[str]) -> str:
    flat = writer.add("Flatten", inputs, name="flattened")
    own = [writer.own(tensor.name) for tensor in PRIMITIVES["linear"].tensors(node)]
    return writer.add("Gemm", [flat, *own], transB=1)


EMISSIONS: dict[str, Emit] = {
    "relu": _relu,
    "conv": _convolution,
    "depthwise": _convolution,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "instance_norm": _instance_norm,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "factorized_reduce": _factorized_reduce,
    "zero": _zero,
    "identity": _same,
    "sum": _sum,
    "concat": _concat,
    "drop_path": _same,
    "global_avg_pool": _global_avg_pool,
    "dropout": _same,
    "linear": _linear,
}
