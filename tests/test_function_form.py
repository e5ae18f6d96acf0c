"""The function form: what it makes equal computes the same, and nothing else is lost."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from itertools import combinations
from random import Random
from typing import Any

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.canonical import CanonicalForm, Rule, agreement, function_form

SPACE = nasdsl.load_space("nasbench201_space")
MEMBERS = list(nasdsl.enumerate_genotypes(SPACE))
OPS = """\
ops nasbench201
op rectified = [relu]
op lowest = [relu, max_pool(3x3, symmetric)]
op highest = [max_pool(3x3, symmetric)]
op plain_conv = [conv(3x3)]
op either = [] else [relu, conv(1x1, stride), batch_norm]
op strided = [relu, conv(3x3, stride), batch_norm]
op shifted_zero = [zero, conv(1x1), batch_norm]
combine joined = [concat, conv(1x1)]
combine joined_rectified = [concat, conv(1x1), relu]
"""


def cell(*blocks: str, output: str = "") -> nasdsl.Genotype:
    """A genotype of a normal cell with blocks `a = ...`, `b = ...`."""
    lines = [f"    {name} = ({block})" for name, block in zip("abcdef", blocks, strict=False)]
    body = "\n".join([*lines, f"    output {output}" if output else ""])
    return nasdsl.loads(f"genotype one\n{OPS}cell normal {{\n{body}\n}}\n")


def test_hashes_stay_as_they_are() -> None:
    """Stores know networks by them: no later version may have others."""
    assert nasdsl.canonical_hash(nasdsl.load("nasnet_a"), "function") == "2e34894c3298153d"
    members = nasdsl.sample(nasdsl.load_space("nasnet_space"), 50, seed=0)
    found = "".join(nasdsl.canonical_hash(each, "function") for each in members)
    assert blake2b(found.encode(), digest_size=8).hexdigest() == "dd898174dae7642b"


def test_what_may_be_negative_is_rectified() -> None:
    """An op with two forms is not taken for a ReLU."""
    once, twice = (
        cell("h[i], h[i], either, either, add", f"a, a, {op}, {op}, add")
        for op in ("skip_connect", "rectified")
    )
    assert agreement(once, twice) is None


@cache
def _functions(form: CanonicalForm) -> list[str]:
    """The hash of each member."""
    rules = function_form(SPACE.vocabulary, form)
    return [rules.hash(member) for member in MEMBERS]


@pytest.mark.parametrize(("form", "classes"), [("function", 4930), ("function_strict", 5155)])
def test_classes_of_nasbench201(form: CanonicalForm, classes: int) -> None:
    """4,930 with identity transparent, zeros vanishing and sums sorted; more where zero shifts."""
    assert len(set(_functions(form))) == classes
    assert nasdsl.canonical_hash(MEMBERS[77], form) == _functions(form)[77]


def test_classes_of_the_benchmark_are_inside_ours() -> None:
    """Its own strings make 6,466 classes, and no class of them has members of two of ours."""
    ours: dict[str, set[str]] = defaultdict(set)
    for member, function in zip(MEMBERS, _functions("function"), strict=True):
        ours[_unique_string(member)].add(function)
    assert len(ours) == 6466
    assert all(len(functions) == 1 for functions in ours.values())


def _unique_string(genotype: nasdsl.Genotype) -> str:
    """What NAS-Bench-201 calls isomorphic: skips are what they read, zeros `#`, sums sorted."""
    text = interop.write(genotype, "nasbench201").text.strip()
    nodes = ["0"]
    for node in text.split("+"):
        reads = []
        for edge in node.strip("|").split("|"):
            op, _, source = edge.partition("~")
            read = nodes[int(source)]
            if op == "none" or read == "#":
                read = "#"
            elif op != "skip_connect":
                read = f"({read})@{op}"
            reads.append(read)
        nodes.append("+".join(sorted(reads)))
    return nodes[-1]


EQUAL = {
    "identity passes through": (
        ("h[i], h[i], nor_conv_3x3, none, add", "a, a, skip_connect, none, add"),
        ("h[i], h[i], nor_conv_3x3, none, add",),
    ),
    "zero goes through what maps zero to zero": (
        ("h[i], h[i], none, none, add", "a, h[i], nor_conv_3x3, avg_pool_3x3, add"),
        ("h[i], h[i], none, avg_pool_3x3, add",),
    ),
    "sums are flat": (
        (
            "h[i], h[i], nor_conv_3x3, avg_pool_3x3, add",
            "a, h[i], skip_connect, nor_conv_1x1, add",
        ),
        (
            "h[i], h[i], nor_conv_1x1, avg_pool_3x3, add",
            "h[i], a, nor_conv_3x3, skip_connect, add",
        ),
    ),
    "relu after a pool of what is not negative": (
        (
            "h[i], h[i], rectified, none, add",
            "a, a, highest, none, add",
            "b, b, rectified, none, add",
        ),
        ("h[i], h[i], rectified, none, add", "a, a, highest, none, add"),
    ),
    "equal blocks are one": (
        (
            "h[i], h[i], rectified, lowest, joined",
            "h[i], h[i], rectified, lowest, joined",
            "a, b, lowest, lowest, joined",
        ),
        ("h[i], h[i], rectified, lowest, joined", "a, a, lowest, lowest, joined"),
    ),
    "relu twice": (
        ("h[i], h[i], rectified, none, add", "a, a, nor_conv_3x3, lowest, add"),
        ("h[i], h[i], nor_conv_3x3, lowest, add",),
    ),
}
DIFFERENT = {
    "what is added twice counts twice": (
        ("h[i], h[i], avg_pool_3x3, avg_pool_3x3, add",),
        ("h[i], h[i], avg_pool_3x3, none, add",),
    ),
    "relu of a sum is no sum of relus": (
        ("h[i], h[i], rectified, avg_pool_3x3, add", "a, a, rectified, none, add"),
        ("h[i], h[i], rectified, avg_pool_3x3, add",),
    ),
    "an op with two forms may change its input": (
        ("h[i], h[i], either, none, add",),
        ("h[i], h[i], skip_connect, none, add",),
    ),
    "a concatenation has an order": (
        ("h[i], h[i], avg_pool_3x3, nor_conv_1x1, joined",),
        ("h[i], h[i], nor_conv_1x1, avg_pool_3x3, joined",),
    ),
    "the stride is taken at the input alone": (
        ("h[i], h[i], strided, none, add", "a, a, rectified, none, add"),
        ("h[i], h[i], rectified, none, add", "a, a, strided, none, add"),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name: str) -> None:
    """Each rule makes two cells equal that have different canonical forms."""
    one, other = (cell(*blocks) for blocks in EQUAL[name])
    assert nasdsl.canonical_hash(one, "function") == nasdsl.canonical_hash(other, "function")
    assert nasdsl.canonical_hash(one) != nasdsl.canonical_hash(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name: str) -> None:
    """What looks like a rule and is none."""
    one, other = (cell(*blocks) for blocks in DIFFERENT[name])
    assert nasdsl.canonical_hash(one, "function") != nasdsl.canonical_hash(other, "function")
    assert agreement(one, other) is None


def test_a_shift_is_no_zero_where_it_counts() -> None:
    """Strictly, batch norm makes a constant of zero."""
    one = cell("h[i], h[i], shifted_zero, avg_pool_3x3, add")
    other = cell("h[i], h[i], none, avg_pool_3x3, add")
    assert nasdsl.canonical_hash(one, "function") == nasdsl.canonical_hash(other, "function")
    strict = {nasdsl.canonical_hash(each, "function_strict") for each in (one, other)}
    assert len(strict) == 2
    assert agreement(one, other) == (Rule.ZERO, Rule.SHIFT)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("identity passes through", (Rule.IDENTITY, Rule.ZERO)),
        ("zero goes through what maps zero to zero", (Rule.ZERO, Rule.SHIFT)),
        ("sums are flat", (Rule.IDENTITY, Rule.SUM)),
        ("relu twice", (Rule.ZERO, Rule.RELU)),
        ("relu after a pool of what is not negative", (Rule.ZERO, Rule.RELU)),
        ("equal blocks are one", ()),
    ],
)
def test_agreement(name: str, rules: tuple[Rule, ...]) -> None:
    """The rules that a pair needs, and none besides."""
    one, other = (cell(*blocks) for blocks in EQUAL[name])
    assert agreement(one, other) == rules


def test_an_unknown_form() -> None:
    """It is refused, whatever it is."""
    for form in ("functoin", 3, None, ["function"]):
        with pytest.raises(nasdsl.CellError, match="form is") as caught:
            nasdsl.canonical_hash(MEMBERS[0], form)  # type: ignore[arg-type]
        assert [each.code for each in caught.value.diagnostics] == ["NAS008"]
        with pytest.raises(nasdsl.CellError, match="form is"):
            nasdsl.count_distinct(SPACE, form=form)  # type: ignore[arg-type]


# -- what is equal computes the same ------------------------------------------------------


def _reads(genotype: nasdsl.Genotype) -> Iterator[tuple[str, str]]:
    """For each convolution of a cell of the space, its path and, in words, what it computes."""
    (one,) = genotype.cells
    states: dict[str, tuple[str, ...]] = {"h[i]": ("x",)}
    for number, block in enumerate(one.blocks):
        total: list[str] = []
        for side, state, op in zip(("left", "right"), block.inputs, block.ops, strict=True):
            read = states[str(state)]
            what = f"{op}({' + '.join(read)})"
            if op == "skip_connect":
                total += read
            elif op != "none" and read:
                total.append(what)
            if op.startswith("nor_conv"):
                yield f"b{number}.{side}", what
        states[block.name] = tuple(sorted(total))


def _network(genotype: nasdsl.Genotype) -> Any:
    """The network whose convolutions have weights that follow from what they compute."""
    torch = pytest.importorskip("torch", reason="networks are torch modules")
    net = nasdsl.compile(genotype, N=1, cell_filters=4, image_size=8, seed=0)
    for path, what in _reads(genotype):
        for module in ("cells.0", "cells.2", "cells.4"):
            drawn = torch.Generator().manual_seed(Random(f"{module} {what}").getrandbits(32))
            conv = net.get_submodule(f"{module}.{path}.1")
            norm = net.get_submodule(f"{module}.{path}.2")
            with torch.no_grad():
                conv.weight.copy_(torch.randn(conv.weight.shape, generator=drawn) / 4)
                norm.weight.copy_(torch.rand(norm.weight.shape, generator=drawn) + 0.5)
    for name in ("stem", "head", "cells.1", "cells.3"):
        for key, tensor in net.get_submodule(name).named_parameters():
            drawn = torch.Generator().manual_seed(Random(f"{name} {key}").getrandbits(32))
            with torch.no_grad():
                tensor.copy_(torch.randn(tensor.shape, generator=drawn) / 4)
    return net


@pytest.mark.parametrize("training", [False, True])
def test_equal_members_compute_the_same(training: bool) -> None:
    """Members of one class, of different canonical forms, with mapped weights."""
    torch = pytest.importorskip("torch", reason="networks are torch modules")
    classes: dict[str, dict[str, nasdsl.Genotype]] = defaultdict(dict)
    for member, function in zip(MEMBERS[::5], _functions("function")[::5], strict=True):
        classes[function].setdefault(nasdsl.canonical_hash(member), member)
    several = sorted(key for key, members in classes.items() if len(members) > 1)
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    differ = []
    for key in Random(3).sample(several, 5):
        one, other = Random(key).sample(list(classes[key].values()), 2)
        with torch.no_grad():
            first, second = (_network(each).train(training)(images) for each in (one, other))
        assert torch.allclose(first, second, rtol=1e-4, atol=1e-5)
        differ.append(first)
    # The classes are told apart by these networks.
    assert not torch.allclose(differ[0], differ[1], rtol=1e-2)


#: Cells in which ReLUs and shifts of zero decide, with 4 blocks; the last one passes on.
RULE_SPACE = nasdsl.loads_space(f"""\
genotype rules
{OPS}
cell normal {{
    a = (h[i], h[i], {{rectified | shifted_zero | none}}, {{none | highest | lowest}}, add)
    b = ({{a | h[i]}}, a, {{rectified | highest | skip_connect}}, {{none | shifted_zero}}, add)
    c = ({{a | b}}, {{a | b}}, {{lowest | rectified | nor_conv_3x3}}, {{none | highest}}, add)
    d = (c, {{a | b}}, {{rectified | nor_conv_1x1 | skip_connect}}, {{none | rectified}}, add)
    output concat(d)
}}
network {{ skeleton = nasbench201 N = 1 cell_filters = 4 image_size = 8 }}
""")


class SameWeights:
    """Gives layers of equal inputs equal weights, whichever networks they are in.

    This says nothing of rules or of terms: a layer's weights are drawn when it first sees an
    input, and any layer of the same kind in the same cell that sees it again has them, too. A
    normalisation of zeros alone keeps its shift of zero.
    """

    def __init__(self) -> None:
        self.known: dict[str, list[tuple[Any, dict[str, Any]]]] = defaultdict(list)

    def output(self, genotype: nasdsl.Genotype, images: Any, training: bool) -> Any:
        """What the network of a genotype makes of images, in double precision."""
        torch = pytest.importorskip("torch", reason="networks are torch modules")
        net = nasdsl.compile(genotype, seed=0).double().train(training)
        for name, module in net.named_modules():
            if not list(module.children()) and list(module.parameters()):
                place = ".".join(name.split(".")[:2]) if name.startswith("cells") else name
                module.register_forward_pre_hook(self._hook(f"{place} {module}"))
        with torch.no_grad():
            return net(images)

    def _hook(self, kind: str) -> Any:
        def set_weights(module: Any, inputs: Any) -> None:
            (read,) = inputs
            found = next((w for seen, w in self.known[kind] if _close(seen, read)), None)
            if found is None:
                found = self._drawn(module, f"{kind} {len(self.known[kind])}", read)
                self.known[kind].append((read.clone(), found))
            module.load_state_dict(found)

        return set_weights

    def _drawn(self, module: Any, name: str, read: Any) -> dict[str, Any]:
        import torch

        generator = torch.Generator().manual_seed(Random(name).getrandbits(32))
        drawn = {}
        for key, tensor in module.state_dict().items():
            drawn[key] = tensor.clone()
            if key in ("bias", "running_mean") and not read.any():
                drawn[key].zero_()
            elif tensor.is_floating_point():
                random = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
                drawn[key] = random + 0.5 if key == "running_var" else random - 0.4
        return drawn


def _close(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() < 1e-9)


@cache
def _pairs(rule: Rule) -> list[tuple[nasdsl.Genotype, nasdsl.Genotype]]:
    """Pairs of members that are equal, and would not be without the rule."""
    classes: dict[str, dict[str, nasdsl.Genotype]] = defaultdict(dict)
    for member in nasdsl.sample(RULE_SPACE, 400, seed=1):
        function = nasdsl.canonical_hash(member, "function")
        classes[function].setdefault(nasdsl.canonical_hash(member), member)
    return [
        pair
        for members in classes.values()
        for pair in combinations(list(members.values())[:4], 2)
        if rule in (agreement(*pair) or ())
    ]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("rule", [Rule.RELU, Rule.SHIFT])
def test_rules_are_sound(rule: Rule, training: bool) -> None:
    """Random pairs that need this rule to be equal compute the same, in both modes."""
    torch = pytest.importorskip("torch", reason="networks are torch modules")
    pairs = _pairs(rule)
    assert len(pairs) > 20
    images = torch.randn(
        4, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    outputs = []
    for pair in Random(5).sample(pairs, 6):
        weights = SameWeights()
        one, other = (weights.output(each, images, training) for each in pair)
        assert torch.allclose(one, other, rtol=1e-7, atol=1e-9)
        outputs.append(one)
    # Networks that compute something else are told apart by this.
    assert not torch.allclose(outputs[0], outputs[1], rtol=1e-3)
    weights = SameWeights()
    first, second = (pair[0] for pair in Random(5).sample(pairs, 2))
    one, other = (weights.output(each, images, training) for each in (first, second))
    assert not torch.allclose(one, other, rtol=1e-3)
