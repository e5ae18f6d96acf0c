"""ENAS against a reference written here from its published structure.

The reference reads the released script's numbers: input, op, input, op of each block; 0 is the
cell before the last, 1 the last. It follows `src/cifar10/micro_child.py` with a fixed
architecture, and knows of nasdsl only what its parameters are called.
"""

from typing import Any

import pytest

import nasdsl

torch = pytest.importorskip("torch", reason="networks are torch modules")
F = torch.nn.functional

NORMAL = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1"
REDUCTION = "1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"
TOLERANCE = 1e-5


pytestmark = pytest.mark.usefixtures("one_thread")


def same(x: Any, kernel: int, stride: int, value: float = 0.0) -> Any:
    """TensorFlow's SAME: the odd pixel comes after."""
    size = x.shape[-1]
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before, after = missing // 2, missing - missing // 2
    return F.pad(x, (before, after, before, after), value=value)


class Reference:
    """ENAS' child network as functions of a state dict."""

    def __init__(self, net: Any, cells: int, filters: int) -> None:
        self.state, self.training = net.state_dict(), net.training
        self.cells, self.filters = cells, filters

    def conv(self, name: str, x: Any, stride: int = 1) -> Any:
        kernel = self.state[f"{name}.weight"]
        groups = x.shape[1] // kernel.shape[1]
        return F.conv2d(same(x, kernel.shape[-1], stride), kernel, None, stride, groups=groups)

    def norm(self, name: str, x: Any) -> Any:
        names = ("running_mean", "running_var", "weight", "bias")
        tensors = (self.state[f"{name}.{tensor}"].clone() for tensor in names)
        return F.batch_norm(x, *tensors, training=self.training, eps=1e-5)

    def projected(self, name: str, first: int, x: Any) -> Any:
        x = self.conv(f"{name}.{first + 1}", F.relu(x))
        return self.norm(f"{name}.{first + 2}", x)

    def halved(self, name: str, first: int, x: Any) -> Any:
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        paths = [
            self.conv(f"{name}.{first}.conv{path}", state[:, :, ::2, ::2])
            for path, state in enumerate((x, shifted))
        ]
        return self.norm(f"{name}.{first + 1}", torch.cat(paths, 1))

    def inputs(self, name: str, older: Any, newer: Any, filters: int) -> list[Any]:
        if older.shape[-1] != newer.shape[-1]:
            older = self.halved(f"{name}.input1", 1, F.relu(older))
        elif older.shape[1] != filters:
            older = self.projected(f"{name}.input1", 0, older)
        first = 0
        if newer.shape[1] != filters:
            newer, first = self.projected(f"{name}.input0", 0, newer), 3
        return [older, self.projected(f"{name}.input0", first, newer)]

    def op(self, name: str, op: int, x: Any, stride: int) -> Any:
        if op == 4:
            return x if stride == 1 else self.halved(name, 0, x)
        if op == 3:
            return F.max_pool2d(same(x, 3, stride, float("-inf")), 3, stride)
        if op == 2:
            ones = F.avg_pool2d(same(torch.ones_like(x), 3, stride), 3, stride)
            return F.avg_pool2d(same(x, 3, stride), 3, stride) / ones
        for first in (0, 4):
            x = self.conv(f"{name}.{first + 1}", F.relu(x), stride)
            x = self.norm(f"{name}.{first + 3}", self.conv(f"{name}.{first + 2}", x))
            stride = 1
        return x

    def cell(self, name: str, numbers: str, states: list[Any], stride: int) -> Any:
        arc = [int(number) for number in numbers.split()]
        for block in range(5):
            left, left_op, right, right_op = arc[4 * block : 4 * block + 4]
            made = [
                self.op(f"{name}.b{block}.{side}", op, states[i], stride if i < 2 else 1)
                for side, i, op in (("left", left, left_op), ("right", right, right_op))
            ]
            states.append(made[0] + made[1])
        unused = set(range(7)) - {*arc[::4], *arc[2::4]}
        return torch.cat([states[i] for i in sorted(unused)], 1)

    def logits(self, x: Any) -> tuple[Any, Any]:
        """The logits, and the auxiliary classifier's."""
        x = self.norm("stem.batch_norm", self.conv("stem.conv", x))
        layers, filters, side = [x, x], self.filters, None
        distance = (self.cells - 2) // 3
        pools = distance, 2 * distance + 1
        for number in range(self.cells):
            reduces = number in pools
            filters *= 2 if reduces else 1
            name = f"cells.{number}"
            states = self.inputs(name, *layers, filters)
            numbers = REDUCTION if reduces else NORMAL
            layers = [layers[1], self.cell(name, numbers, states, 2 if reduces else 1)]
            if number == pools[1] + 1:
                side = self.auxiliary(layers[1])
        return self.linear("head", F.relu(layers[1]).mean((2, 3))), side

    def auxiliary(self, x: Any) -> Any:
        x = F.avg_pool2d(F.relu(x), 5, 3)
        for number in (0, 1):
            x = self.norm(
                f"auxiliary.batch_norm{number}", self.conv(f"auxiliary.conv{number}", x)
            ).relu()
        return self.linear("auxiliary", x.mean((2, 3)))

    def linear(self, name: str, x: Any) -> Any:
        assert f"{name}.linear.bias" not in self.state
        return x @ self.state[f"{name}.linear.weight"].T


def network(cells: int, filters: int) -> Any:
    """A network of random weights and statistics, with the auxiliary classifier."""
    net = nasdsl.compile(
        "enas_micro_cifar", N=(cells - 2) // 3, filters=20 * filters, auxiliary=True, drop_path=0,
        dropout=0, seed=3,
    )  # fmt: skip
    dice = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.dim() == 1:
                value.copy_(torch.rand(value.shape, generator=dice) + 0.5 * ("bias" not in name))
    return net


@pytest.mark.parametrize(("cells", "filters"), [(5, 4), (8, 6)])
@pytest.mark.parametrize("training", [False, True])
def test_enas(cells: int, filters: int, training: bool) -> None:
    """The released architecture: the classifier, and in training the auxiliary one."""
    net = network(cells, filters).train(training)
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, side = Reference(net, cells, filters).logits(x)
        found = net(x)
    pairs = [(found.logits, logits), (found.aux_logits, side)] if training else [(found, logits)]
    for mine, expected in pairs:
        assert float((mine - expected).abs().max() / expected.abs().max()) <= TOLERANCE
