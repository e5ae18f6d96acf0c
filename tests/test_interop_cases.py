"""Genotypes in the forms that people really have: each kind, with what is right for it.

The texts are kept here, so that the tests run anywhere; those of `../shared/cases` are read too
where that folder is.
"""

# ruff: noqa: E501 (a case a line)

import ast
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.errors import Source
from nasdsl.language.genotype.types import BlockState, Cell, Genotype, State

CASES = Path(__file__).parents[2] / "shared" / "cases"

NORMAL = "[('sep_conv_3x3', 0), ('skip_connect', 1)]"
REDUCE = "[('max_pool_3x3', 0), ('max_pool_3x3', 1)]"
OTHER = "[('sep_conv_5x5', 0), ('dil_conv_3x3', 1)]"
V2 = nasdsl.canonical_hash(nasdsl.load("darts_v2"))
V2_TEXT = " ".join(interop.write(nasdsl.load("darts_v2"), "darts").text.split()).partition(" = ")[2]


def call(normal: str = NORMAL, more: str = "") -> str:
    """`Genotype(...)` of one block a cell."""
    return f"Genotype(normal={normal}, normal_concat=[2], reduce={REDUCE}, reduce_concat=[2]{more})"


def fields(normal: str = NORMAL) -> dict[str, object]:
    """The same as plain data."""
    pairs = json.loads(normal.translate(str.maketrans("()'", '[]"')))
    reduce = json.loads(REDUCE.translate(str.maketrans("()'", '[]"')))
    return {"normal": pairs, "normal_concat": [2], "reduce": reduce, "reduce_concat": [2]}


def listed(text: str, name: str = "x.txt") -> list[tuple[str, int, bool]]:
    """Name, line and whether it is readable, of each genotype of a text."""
    held = interop.find(Source(name, text))
    return [(each.name, held.line(each), not held.problem(each)) for each in held.entries]


def chosen(text: str, name: str | None = None, **which: int) -> Genotype:
    """The genotype that `nasdsl convert` would write."""
    held = interop.find(Source("x.txt", text), name="x")
    return held.read(held.choose(name, **which))[0]


def operands(cell: Cell | None) -> list[list[tuple[str, int]]]:
    """(op, state) of each block, with states as DARTS, ENAS and NNI number them."""
    assert cell is not None
    names = [block.name for block in cell.blocks]

    def number(state: State) -> int:
        return names.index(state.name) + 2 if isinstance(state, BlockState) else 1 - state.back

    return [
        [(op, number(state)) for op, state in zip(block.ops, block.inputs, strict=True)]
        for block in cell.blocks
    ]


def cells(genotype: Genotype) -> tuple[list[list[tuple[str, int]]], list[list[tuple[str, int]]]]:
    """The blocks of both cells."""
    return operands(genotype.cell("normal")), operands(genotype.cell("reduction"))


def problem(text: str, format: str | None = None, name: str = "x.txt") -> str:
    """The message that a text is refused with, with its hints."""
    with pytest.raises(nasdsl.CellError) as caught:
        interop.read(Source(name, text), format)
    return str(caught.value)


# -- many genotypes in one text -----------------------------------------------------------------

LOG = (
    "01/01 08:00 PM epoch 0 [train: 0.1) it's\n"
    f"01/01 08:01 PM genotype = {call()}\n"
    "tensor([[0.12, 0.13], [0.1, 0.2]], device='cuda:0')\n"
    f"01/01 09:01 PM genotype = {call(OTHER)}\n"
    "done\n"
)
NASLIB = (
    "(((0, 6), (1, 4), (0, 0), (1, 5), (0, 1), (1, 2), (0, 3), (1, 4)),"
    " ((0, 6), (1, 4), (0, 0), (1, 5), (0, 1), (1, 2), (0, 3), (1, 4)))"
)
MANY = {
    "a log": (LOG, [("genotype", 2), ("genotype", 4)]),
    "chained assignments": (f"a = b = {call()}", [("a", 1), ("b", 1)]),
    "several at once": (f"a, b = {call()}, {call(OTHER)}", [("a", 1), ("b", 1)]),
    "annotated": (f"A: Genotype = {call()}\nB: object = {call(OTHER)}", [("A", 1), ("B", 2)]),
    "aliases of aliases": (f"A = {call()}\nB = A\nC = B\n", [("A", 1), ("B", 2), ("C", 3)]),
    "alias by key": (f"G = {{'a': {call()}}}\nB = G['a']\n", [("a", 1), ("B", 2)]),
    "a dictionary of names": (f"A = {call()}\nG = {{'a': A}}\n", [("A", 1), ("a", 2)]),
    "nested dictionaries": (
        f"G = {{'cifar': {{'a': {call()}}},\n 'imagenet': {{'b': {call(OTHER)}}}}}\n",
        [("a", 1), ("b", 2)],
    ),
    "dict()": (f"G = dict(a={call()},\n b={call(OTHER)})\n", [("a", 1), ("b", 2)]),
    "an assigned key": (f"G = {{}}\nG['a'] = {call()}\nG['b'] = {call()}", [("a", 2), ("b", 3)]),
    "a class": (f"class Cells:\n  A = {call()}\n  B = A\nC = Cells.A\n", [("A", 2), ("B", 3), ("C", 4)]),
    "a list": (f"G = [{call()},\n {call(OTHER)}]", [("0", 1), ("1", 2)]),
    "a function": (f"A = {call()}\ndef best():\n  return {call(OTHER)}\n", [("A", 1), ("", 3)]),
    "strings": (
        f'M = {{"a": "{call()}",\n "b": "best {call(OTHER)} of 2"}}\n',
        [("a", 1), ("b", 2)],
    ),
    "an escaped string": ("M = {'a': '" + call().replace("'", "\\'") + "'}", [("a", 1)]),
    "eval": (f'A = eval("{call()}")', [("A", 1)]),
    "a docstring": (f'"""An example:\n\nA = {call()}\n"""\n', [("A", 3)]),
    "Python 2": (f"A = {call()}\nprint 'x'\nB = {call(OTHER)}\n", [("A", 1), ("B", 3)]),
    "JSON of fields": (
        json.dumps({"a": fields(), "more": {"b": fields(OTHER)}}, indent=1).replace("\n", " "),
        [("a", 1), ("b", 1)],
    ),
    "JSON of strings": (json.dumps({"a": call(), "ok": True, "b": call(OTHER)}), [("a", 1), ("b", 1)]),
    "indented JSON": ("\n  " + json.dumps({"a": fields()}), [("a", 2)]),
    "JSON in a log": (f"12:00 best: {json.dumps(fields())} 97%", [("best", 1)]),
    "YAML": (
        "a:\n  normal: [[sep_conv_3x3, 0], [skip_connect, 1]]\n  normal_concat: [2]\n"
        "  reduce: [[max_pool_3x3, 0], [max_pool_3x3, 1]]\n  reduce_concat: [2]\n"
        f"b: {call(OTHER)}\n",
        [("a", 2), ("b", 6)],
    ),
    "YAML of one": (
        "normal: [[sep_conv_3x3, 0], [skip_connect, 1]]\nnormal_concat: [2]\n"
        "reduce: [[max_pool_3x3, 0], [max_pool_3x3, 1]]\nreduce_concat: [2]\n",
        [("", 1)],
    ),
    "NAS-Bench-201 in a dictionary": (
        "{'a': '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|',\n"
        " 'b': '|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|'}",
        [("a", 1), ("b", 2)],
    ),
    "NAS-Bench-101 by turns": (
        "adj = [[0, 1], [0, 0]]\nlabels = ['input', 'output']\n"
        "adj_2 = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]\nl = ['input', 'conv3x3-bn-relu', 'output']\n",
        [("", 1), ("", 3)],
    ),
    "a log in colours": (
        "\x1b[32m08:00 epoch 1\x1b[0m\n" * 50 + f"\x1b[31mbest genotype = {call()}\x1b[0m\n",
        [("genotype", 51)],
    ),
    "a log of steps": ("Epoch [1/50] Step [\n" * 50 + f"genotype = {call()}\n", [("genotype", 51)]),
    "Windows and a mark": (f"A = {call()}\r\nB = A\r\n", [("A", 1), ("B", 2)]),
    "JSON lines": (
        "".join(f"{json.dumps({'epoch': at, 'best': fields()})}\n" for at in range(2)),
        [("best", 1), ("best", 2)],
    ),
    "a notebook": (
        json.dumps(
            {
                "cells": [
                    {"cell_type": "markdown", "source": ["It's [1\n", f"as in `{call()}`"]},
                    {
                        "cell_type": "code",
                        "source": ["%matplotlib inline\n", "A = Genotype(\n", f"  {call()[9:-1]})\n", "B = A"],
                        "outputs": [
                            {"output_type": "stream", "text": ["epoch [0\n", f"best = {call(OTHER)}\n"]},
                            {"output_type": "execute_result", "data": {"text/plain": call(), "image/png": "A("}},
                        ],
                    },
                ],
                "metadata": {},
                "nbformat": 4,
            },
            indent=1,
        ),
        [("", 3), ("A", 6), ("B", 8), ("best", 11), ("", 14)],
    ),
    "NNI in a log": (
        "12:00 INFO [1 exported_arch: {'normal/op_2_0': 'sep_conv_3x3', 'normal/input_2_0': 0,"
        " 'normal/op_2_1': 'skip_connect', 'normal/input_2_1': 1, 'reduce/op_2_0': 'max_pool_3x3',"
        " 'reduce/input_2_0': 0, 'reduce/op_2_1': 'max_pool_3x3', 'reduce/input_2_1': 1} it's {\n",
        [("exported_arch", 1)],
    ),
    "NASLib in a log": (
        f"12:00 best: {NASLIB} 94%\nnext: {NASLIB.replace('6', '5')} it's\n",
        [("best", 1), ("next", 2)],
    ),
    "NASLib as JSON": (
        json.dumps({"a": ast.literal_eval(NASLIB), "b": ast.literal_eval(NASLIB)}),
        [("a", 1), ("b", 1)],
    ),
    "NAS-Bench-101 in YAML": (
        "a: x y\nparams: {\n 'cell_matrix': [[0, 1, 0], [0, 0, 1],\n  [0, 0, 0]],\n"
        " 'vertex_ops': ['input', 'conv3x3-bn-relu', 'output'] }\nb: [0, 1]\n",
        [("params", 3)],
    ),
    "NAS-Bench-101 in a log": (
        "12:00 it's matrix = [[0, 1], [0, 0]] (1/50) and ops = ['input', 'output'] 93%\n",
        [("", 1)],
    ),
    "NAS-Bench-101 in a program": (
        "ALLOWED = ['conv3x3-bn-relu', 'maxpool3x3']\n"
        "a = ModelSpec(matrix=[[0, 1], [0, 0]], ops=['input', 'output'])\n"
        "b = ModelSpec(matrix=[[0, 1, 0], [0, 0, 1], [0, 0, 0]], ops=[INPUT, CONV3X3, OUTPUT])\n",
        [("a", 2), ("b", 3)],
    ),
    "the log of ENAS": (
        "[0 0 0 0]\n[0 1 1 1]\nval_acc=0.5\n[1 0\n 1 0]\n[0 1 1 1]\nval_acc=0.6\n",
        [("", 1), ("", 4)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MANY)
def test_each_is_found(what: str) -> None:
    """Every genotype of a text has its name and line, and can be read."""
    text, expected = MANY[what]
    ending = ".yaml" if what.startswith("YAML") else ".txt"
    if what != "YAML of one":
        assert listed(text, f"x{ending}")[: len(expected)] == [(*each, True) for each in expected]
    assert sorted(listed(text)) == sorted((*each, True) for each in expected)


@pytest.mark.parametrize("what", MANY)
def test_each_is_chosen(what: str) -> None:
    """By number, by line, as the last one; what is read is what stands there."""
    text, expected = MANY[what]
    held = interop.find(Source("x.txt", text))
    for number, entry in enumerate(held.entries, 1):
        assert held.choose(number=number) is entry
    assert held.choose(last=True) is held.entries[-1]
    for name, line in expected:
        if len([each for each in expected if each[1] == line]) == 1:
            assert held.choose(line=line).name == name
        if name and len([each for each in expected if each[0] == name]) == 1:
            assert held.choose(name).name == name


def test_the_last_of_a_log() -> None:
    """Two epochs, the same name: the last is the second."""
    first, last = (chosen(LOG, number=1), chosen(LOG, last=True))
    assert cells(first)[0] == [[("sep_conv_3x3", 0), ("skip_connect", 1)]]
    assert cells(last)[0] == [[("sep_conv_5x5", 0), ("dil_conv_3x3", 1)]]
    assert chosen(LOG, "genotype", last=True) == last
    assert chosen(LOG, line=2) == first


def test_aliases_are_their_genotype() -> None:
    """A name of a name of DARTS_V2 is DARTS_V2; alone with its aliases it needs no choice."""
    text = f"DARTS_V2 = {V2_TEXT}\nBEST = DARTS_V2\nDARTS = BEST\n"
    for name in ("DARTS_V2", "BEST", "DARTS", None):
        assert nasdsl.canonical_hash(chosen(text, name)) == V2 == "a54d9155855cee9b"
    assert chosen(text, "DARTS").name == "darts"


def test_a_name_means_what_it_meant_there() -> None:
    """An alias of a name that is assigned again, or in a branch, or in a function."""
    again = f"A = {call()}\nB = A\nA = {call(OTHER)}\n"
    assert cells(chosen(again, "B"))[0] == [[("sep_conv_3x3", 0), ("skip_connect", 1)]]
    branch = f"A = {call()}\nif x:\n  A = {call(OTHER)}\nB = A\n"
    with pytest.raises(nasdsl.CellError, match="no genotype of the text is called 'B'"):
        chosen(branch, "B")
    function = f"A = {call()}\ndef f():\n  A = {call(OTHER)}\nB = A\n"
    assert cells(chosen(function, "B"))[0] == [[("sep_conv_3x3", 0), ("skip_connect", 1)]]


NAMES = [
    (f"FIRST = {call()}\ndef best():\n    return {call(OTHER)}\n", "SECOND"),
    (f"FIRST = {call()}\n", "SECOND"),
    (LOG, "second"),
    (f"print({call()}, {call(OTHER)})", "second"),
    (json.dumps({"a": fields(), "b": fields(OTHER)}), "normal"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_no_other_genotype_under_a_name(text: str, name: str) -> None:
    """A name that is not there is refused, with the names that are."""
    held = interop.find(text, name=name)
    with pytest.raises(nasdsl.CellError) as caught:
        held.choose(name)
    (found,) = caught.value.diagnostics
    assert found.code == "NAS657"
    assert f"called {name!r}" in found.message
    for entry in held.entries:
        assert any((entry.name or "without a name") in hint for hint in found.hints)


def test_a_long_list_says_where_the_rest_is() -> None:
    """Ten genotypes stand in a message, and how to see all of them."""
    text = "".join(f"G{at} = {call()}\n" for at in range(30))
    with pytest.raises(nasdsl.CellError, match="the text has 30 genotypes") as caught:
        chosen(text)
    hints = caught.value.diagnostics[0].hints
    assert sum("line" in hint and "G" in hint for hint in hints) == 10
    assert "20 more; `--list` shows all of them" in hints


BAD = (
    f"good = {call()}\n"
    f"bad = {call(NORMAL.replace('skip_connect', 'noise'))}\n"
    "other = Genotype(normal=[('sep_conv_3x3', 2, 0), ('max_pool_3x3', 2, 4)],"
    " normal_concat=[2], reduce=[], reduce_concat=[])\n"
    f"computed = Genotype(normal=make(), normal_concat=[2], reduce={REDUCE}, reduce_concat=[2])\n"
    "cut = Genotype(normal=[('sep_conv_3x3', 0), "
)


@pytest.mark.parametrize("text", [BAD, BAD.rpartition("cut")[0]])
def test_one_foreign_genotype_spoils_nothing(text: str) -> None:
    """The chosen one is read; without a choice it is said which can be, and why others cannot."""
    assert cells(chosen(text, "good"))[0] == [[("sep_conv_3x3", 0), ("skip_connect", 1)]]
    with pytest.raises(nasdsl.CellError) as caught:
        chosen(text)
    hints = caught.value.diagnostics[0].hints
    assert hints[0] == "1: good, line 1"
    assert hints[1] == "2: bad, line 2, cannot be read: DARTS has no op 'noise'"
    assert "the edge leads from state 4 to state 2" in hints[2]
    assert "nothing here is executed" in hints[3]
    with pytest.raises(nasdsl.CellError, match="no op 'noise'"):
        chosen(text, "bad")
    reading = interop.read(text)
    assert [genotype.name for genotype in reading.genotypes] == ["good"]
    assert {found.code for found in reading.findings} == {"NAS659"}
    assert len(reading.findings) == len(hints) - 2


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("noise", None),
        ("sep_conv_9x9", None),
        ("nothing", None),
        ("sepconv3x3", "sep_conv_3x3"),
        ("Sep_Conv_5x5", "sep_conv_5x5"),
        ("skip_conect", "skip_connect"),
    ],
)
def test_guesses_mislead_nobody(name: str, guess: str | None) -> None:
    """Another spelling of an op is offered, another op never."""
    said = problem(call(NORMAL.replace("skip_connect", name)))
    assert ("did you mean" in said) == (guess is not None)
    assert f"did you mean `{guess}`?" in said or guess is None


# -- forms of DARTS -----------------------------------------------------------------------------

PLAIN = ([[("sep_conv_3x3", 0), ("skip_connect", 1)]], [[("max_pool_3x3", 0), ("max_pool_3x3", 1)]])
WEIGHTED = "[('sep_conv_3x3', 0, 0.13), ('skip_connect', 1, 0.5)]"
FORMS = {
    "None beside it": (call(more=", connectN=None, connects=None"), 1),
    "None after it": (f"Genotype({NORMAL}, [2], {REDUCE}, [2], None, None)", 1),
    "a null in JSON": (json.dumps({**fields(), "connectN": None}), 1),
    "float weights": (call(WEIGHTED), 1),
    "float weights in groups": (call(f"[{WEIGHTED}]"), 1),
    "tuples of tuples": (call("((('sep_conv_3x3', 0), ('skip_connect', 1)),)"), 0),
    "to and from": (call("[('sep_conv_3x3', 2, 0), ('skip_connect', 2, 1)]"), 0),
    "to and from, mixed": (call("[('skip_connect', 2, 1), ('sep_conv_3x3', 2, 0)]"), 0),
    "keywords of a dictionary": (f"Genotype(**{{'normal': {NORMAL}, 'normal_concat': [2],"
                                 f" 'reduce': {REDUCE}, 'reduce_concat': [2]}})", 0),
    "numpy scalars": (call("[('sep_conv_3x3', np.int64(0)), ('skip_connect', np.int64(1))]"), 0),
    "numpy arrays": (call().replace("[2]", "array([2], dtype=int32)"), 0),
    "ranges": (call().replace("[2]", "range(2, 3)"), 0),
    "lists of ranges": (call().replace("[2]", "list(range(2, 3, 1))"), 0),
    "numpy's ranges": (call().replace("[2]", "list(np.arange(2, 3))"), 0),
    "tuples of PyYAML": (
        "normal:\n- !!python/tuple [sep_conv_3x3, 0]\n- !!python/tuple\n  - skip_connect\n  - 1\n"
        "normal_concat: !!python/tuple [2]\nreduce_concat: [2]\n"
        "reduce: [[max_pool_3x3, 0], [max_pool_3x3, 1]]\n", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", FORMS)
def test_forms_of_darts(what: str) -> None:
    """Other writers' forms of one genotype; what is left out is told."""
    text, told = FORMS[what]
    reading = interop.read(text)
    (genotype,) = reading.genotypes
    normal, reduction = cells(genotype)
    assert ([sorted(block) for block in normal], reduction) == PLAIN
    assert [found.code for found in reading.findings] == ["NAS655"] * told


def test_to_and_from_adds_up() -> None:
    """FairDARTS: a state of one edge and one of three, as blocks that add two."""
    edges = (
        "[('sep_conv_3x3', 2, 0), ('dil_conv_3x3', 3, 2), ('sep_conv_5x5', 3, 1),"
        " ('skip_connect', 3, 0), ('max_pool_3x3', 4, 3)]"
    )
    text = call(edges).replace("normal_concat=[2]", "normal_concat=range(2, 5)")
    cell = chosen(text).cell("normal")
    assert cell is not None
    assert operands(cell) == [
        [("sep_conv_3x3", 0), ("none", 0)],
        [("dil_conv_3x3", 2), ("sep_conv_5x5", 1)],
        [("skip_connect", 3), ("skip_connect", 0)],
        [("max_pool_3x3", 4), ("none", 4)],
    ]
    assert [str(state) for state in cell.output_states] == ["b0", "b2", "b3"]


FAIR_C = (
    "FairDARTS_c = Genotype(normal=[('max_pool_3x3', 2, 0), ('sep_conv_5x5', 2, 1),"
    " ('dil_conv_3x3', 4, 0), ('dil_conv_5x5', 4, 2), ('skip_connect', 5, 3), ('sep_conv_3x3', 5, 0)],"
    " normal_concat=range(2, 6), reduce=[('dil_conv_3x3', 2, 1), ('dil_conv_5x5', 2, 0),"
    " ('dil_conv_3x3', 3, 0), ('sep_conv_3x3', 3, 1), ('sep_conv_5x5', 4, 0), ('sep_conv_5x5', 4, 3),"
    " ('sep_conv_5x5', 5, 0), ('skip_connect', 5, 1)], reduce_concat=range(2, 6))"
)


def test_states_that_no_edge_leads_to() -> None:
    """FairDARTS builds no state 3 here, concatenates the others, and drops the edge from it.

    Published for this genotype, 20 layers and 36 channels of CIFAR: 2.59M parameters, 400M FLOPs.
    """
    (genotype,), told, _ = interop.read(FAIR_C)
    normal = genotype.cell("normal")
    assert normal is not None
    assert operands(normal) == [
        [("max_pool_3x3", 0), ("sep_conv_5x5", 1)],
        [("dil_conv_3x3", 0), ("dil_conv_5x5", 2)],
        [("sep_conv_3x3", 0), ("none", 0)],
    ]
    assert [str(state) for state in normal.output_states] == ["b0", "b1", "b2"]
    assert [found.code for found in told] == ["NAS655", "NAS655"]
    cost = nasdsl.cost(genotype, stem="cifar", layers=20, cell_filters=36)
    assert (round(cost.params / 1e4), round(cost.mult_adds / 1e6)) == (260, 400)
    assert "there are at most" in problem(call("[('sep_conv_3x3', 999999999, 0)]"))


AW_NAS = (
    "CNNGenotype(normal_0=[('dil_conv_3x3', 1, 2), ('skip_connect', 1, 2), ('sep_conv_3x3', 0, 3),"
    " ('sep_conv_3x3', 2, 3)], reduce_1=[('max_pool_3x3', 0, 2), ('dil_conv_5x5', 0, 2)],"
    " normal_0_concat=[2, 3], reduce_1_concat=[2])"
)


def test_cells_with_numbers() -> None:
    """aw_nas: (op, from, to), the other way round than FairDARTS; the cells of the README."""
    genotype = chosen(AW_NAS)
    assert operands(genotype.cell("normal")) == [
        [("dil_conv_3x3", 1), ("skip_connect", 1)],
        [("sep_conv_3x3", 0), ("sep_conv_3x3", 2)],
    ]
    assert operands(genotype.cell("reduction")) == [[("max_pool_3x3", 0), ("dil_conv_5x5", 0)]]
    assert "one normal cell" in problem(
        AW_NAS.replace(")])", ")], normal_2=[])").replace("[2])", "[2], normal_2=[])")
    )
    # Of the ResNets that it writes in the same words.
    assert "NAS65" in problem(
        "CNNGenotype(normal_0=[('resnet_block', 0, 1)], reduce_1=[('resnet_block', 0, 1)])"
    )


@pytest.mark.parametrize("name", ["x.json", "x.yaml", "x.py"])
def test_a_dictionary_for_each_cell(name: str) -> None:
    """Vega's description of a network: (op, to, from), and all the rest of the network beside it."""
    edges = {
        "normal": [
            ("sep_conv_5x5", 2, 0),
            ("sep_conv_3x3", 2, 1),
            ("skip_connect", 3, 2),
            ("sep_conv_3x3", 3, 0),
        ],
        "reduce": [("dil_conv_5x5", 2, 0), ("skip_connect", 2, 1)],
    }
    cells = {
        kind: {"type": "Cell", "reduction": kind == "reduce", "genotype": found, "concat": concat}
        for (kind, found), concat in zip(edges.items(), ([2, 3], [2]), strict=True)
    }
    network = {"modules": ["net"], "net": {"init_channels": 36, **cells}}
    text = repr(network) if name.endswith("py") else json.dumps(network)
    held = interop.find(Source(name, text), name="x")
    genotype = held.read(held.choose(None))[0]
    assert operands(genotype.cell("normal")) == [
        [("sep_conv_5x5", 0), ("sep_conv_3x3", 1)],
        [("skip_connect", 2), ("sep_conv_3x3", 0)],
    ]
    assert operands(genotype.cell("reduction")) == [[("dil_conv_5x5", 0), ("skip_connect", 1)]]


NOT_READ = {
    "a recurrent cell of DARTS": (
        "DARTS = Genotype(recurrent=[('relu', 0), ('tanh', 1)], concat=range(1, 3))",
        "recurrent cell",
    ),
    "a fifth field": (call(more=", layout='x'"), "no field 'layout'"),
    "a fifth value": (f"Genotype({NORMAL}, [2], {REDUCE}, [2], 'x')", "four fields"),
    "a field that is missing": (f"Genotype(normal={NORMAL}, reduce={REDUCE})", "is missing"),
    "groups of three": (
        call("[[('sep_conv_3x3', 0), ('skip_connect', 1), ('skip_connect', 0)],"
             " [('sep_conv_3x3', 0)]]"),
        "stand in groups",
    ),
    "an edge that leads back": (call("[('sep_conv_3x3', 2, 3)]"), "from state 3 to state 2"),
    "an edge to an input": (call("[('sep_conv_3x3', 1, 0)]"), "from state 0 to state 1"),
    "some that say where to": (
        call("[('sep_conv_3x3', 2, 0), ('skip_connect', 1)]"), "does not say where it leads",
    ),
    "a number of a million digits": (call(NORMAL.replace("1", "0x" + "f" * 500_000)), "over"),
    "a key twice": (
        '{"normal": [], "normal": [], "normal_concat": [], "reduce": [], "reduce_concat": []}',
        "is there twice",
    ),
    "a macro space of NNI": ('{"normal_n2_p": 0, "layer_0": 1, "normal_n2_p0": 2}', "macro"),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_READ)
def test_refusals_say_what_it_is(what: str) -> None:
    """A thing of another kind is named."""
    text, said = NOT_READ[what]
    assert said in problem(text, "nni" if "NNI" in what else "darts")


# -- ENAS -----------------------------------------------------------------------------------------

ARC = "0 2 0 1 1 0 0 3"
LAST = "0 1 1 1 1 0 2 0"
TWO_BLOCKS = (
    [[("avg_pool_3x3", 0), ("sep_conv_5x5", 0)], [("sep_conv_3x3", 1), ("max_pool_3x3", 0)]],
    [[("sep_conv_5x5", 0), ("sep_conv_5x5", 1)], [("sep_conv_3x3", 1), ("sep_conv_3x3", 2)]],
)
SCRIPTS = {
    "assigned again": f'fixed_arc="1 1 1 1 1 1 1 1"\nfixed_arc="{ARC}"\nfixed_arc="$fixed_arc {LAST}"\n',
    "comments": f'# fixed_arc="0 1"\n#fixed_arc="$fixed_arc 1"\nfixed_arc="{ARC} {LAST}" # fixed_arc="1"\n',
    "braces": f'fixed_arc="{ARC}"\nfixed_arc="${{fixed_arc}} {LAST}"\n',
    "appended": f"fixed_arc='{ARC}'\nfixed_arc+=' {LAST}'\n",
    "other variables": f'normal="{ARC}"\nreduce="{LAST}"\nfixed_arc="$normal $reduce"\n',
    "several lines": f'fixed_arc="\n  {ARC}\n  {LAST}\n"\n',
    "backslashes": f'export fixed_arc="{ARC} \\\n  {LAST}"\n',
    "a flag": f'python main.py \\\n  --child_fixed_arc="{ARC} {LAST}" \\\n  "$@"\n',
    "used by a flag": f'fixed_arc="{ARC} {LAST}"\npython main.py --child_fixed_arc="${{fixed_arc}}"\n',
    "another name": f'arc="{ARC} {LAST}"\n',
    "the script of ENAS": f'fixed_arc="{ARC}"\r\nfixed_arc="$fixed_arc {LAST}"\r\n'
    'python main.py \\\r\n --search_for="micro" \\\r\n --child_fixed_arc="${fixed_arc}" \\\r\n "$@"\r\n',
    "a flag without =": f"python main.py --search_for 'micro' --child_fixed_arc '{ARC} {LAST}'\n",
    "other arcs": f"eps_no_archs = [10, 10, 10]\nsearch_x = '1 2'\nbest_arc = '{ARC} {LAST}'\n",
    "Python": f'fixed_arc = "{ARC} {LAST}"\n',
    "a list of Python": f"fixed_arc = [{', '.join(f'{ARC} {LAST}'.split())}]\n",
    "bare": f"{ARC} {LAST}",
    "two lines": f"{ARC}\n{LAST}\n",
    "brackets": f"[{ARC}]\n[{LAST}]\n",
    "wrapped brackets": f"[0 2 0 1\n 1 0 0 3]\n[{LAST}]\n",
    "commas": f"[{', '.join(ARC.split())}, {', '.join(LAST.split())}]",
}  # fmt: skip


@pytest.mark.parametrize("what", SCRIPTS)
def test_arcs(what: str) -> None:
    """The value that a script ends with, and other ways to write one arc."""
    genotype = chosen(SCRIPTS[what])
    assert cells(genotype) == TWO_BLOCKS
    assert genotype.name == "x"


def test_arcs_of_doubled_variables() -> None:
    """`x="$x $x"` again and again takes no time, whether or not there are words in it."""
    doubled = 'arc="$arc $arc"\n' * 60
    assert "0 integers" in problem(f'arc=""\n{doubled}', "enas")
    assert "more than 10,000 integers" in problem(f'arc="0"\n{doubled}', "enas")


def test_arcs_of_branches_are_chosen_from() -> None:
    """What depends on a condition is not known; both values are there."""
    text = f'if [ $1 ]; then\n  fixed_arc="{ARC} {LAST}"\nelse\n  fixed_arc="{LAST} {ARC}"\nfi\n'
    with pytest.raises(nasdsl.CellError, match="the text has 2 genotypes"):
        chosen(text)
    assert cells(chosen(text, line=2)) == TWO_BLOCKS
    assert cells(chosen(text, number=2)) != TWO_BLOCKS
    two = f'arc_a="{ARC} {LAST}"\narc_b="{LAST} {ARC}"\n'
    assert cells(chosen(two, "arc_a")) == TWO_BLOCKS


def macro(layers: int) -> list[list[int]]:
    """A macro arc: an op a layer, and a bit for each layer before it."""
    return [[layer % 6, *((layer + at) % 2 for at in range(layer))] for layer in range(layers)]


def _rows(layers: int, form: str) -> str:
    rows = [" ".join(map(str, row)) for row in macro(layers)]
    if form == "script":
        more = "".join(f'fixed_arc="$fixed_arc {row}"\n' for row in rows[1:])
        return f'fixed_arc="{rows[0]}"\n{more}'
    if form == "one line":
        return " ".join(rows)
    return "\n".join(f"[{row}]" if form == "brackets" else row for row in rows)


@pytest.mark.parametrize("form", ["lines", "brackets", "script", "one line"])
@pytest.mark.parametrize("layers", [3, 4, 6, 12, 15, 16, 24, 31, 32])
def test_macro_arcs(layers: int, form: str) -> None:
    """Refused by name at any number of layers, 15, 16, 31 and 32 too, whose counts 8 divides."""
    said = problem(_rows(layers, form))
    assert f"macro arc of ENAS, of {layers} layers" in said
    assert "an op for each layer and a bit for each layer before it" in said


def test_fifteen_blocks_are_no_macro_arc() -> None:
    """A micro arc of as many integers as a macro arc of 15 layers is read."""
    arc = " ".join(["1 4 0 4"] * 15)
    genotype = chosen(f"{arc}\n{arc}\n")
    assert len(cells(genotype)[0]) == 15
    assert len(cells(chosen(f"{arc} {arc}"))[1]) == 15


def test_recurrent_arcs() -> None:
    """The recurrent cell of ENAS: a function, then (node, function) for each other node."""
    text = 'fixed_arc="0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"\n'
    assert "recurrent cell of ENAS, with 12 nodes" in problem(text)


# -- NNI 1 and 2 ------------------------------------------------------------------------------------


def _old(ops: Iterable[object], switch: Iterable[object], unused: object) -> str:
    p0, p1, r0, r1, p3 = ops
    s2, s3 = switch
    return json.dumps(
        {
            "normal_n2_p0": p0,
            "normal_n2_p1": p1,
            "normal_n2_switch": s2,
            "normal_n3_p0": unused,
            "normal_n3_p1": p1,
            "normal_n3_p2": p3,
            "normal_n3_switch": s3,
            "reduce_n2_p0": r0,
            "reduce_n2_p1": r1,
            "reduce_n2_switch": s2 if not isinstance(s2[0], str) else ["reduce_n2_p0", "reduce_n2_p1"],  # type: ignore[index]
        }
    )  # fmt: skip


def _mask(at: int) -> list[bool]:
    return [number == at for number in range(7)]


OLD_DARTS = {
    "names": _old(
        ["sepconv5x5", "sepconv3x3", "maxpool", "avgpool", "dilconv5x5"],
        [["normal_n2_p0", "normal_n2_p1"], ["normal_n3_p1", "normal_n3_p2"]],
        [],
    ),
    "numbers": _old([4, 3, 0, 1, 6], [[0, 1], [1, 2]], []),
    "numbers in lists": _old([[4], [3], [0], [1], [6]], [[1, 0], [2, 1]], [2]),
    "masks": _old(
        [_mask(4), _mask(3), _mask(0), _mask(1), _mask(6)],
        [[True, True], [False, True, True]],
        _mask(2),
    ),
}


@pytest.mark.parametrize("form", OLD_DARTS)
def test_old_darts_of_nni(form: str) -> None:
    """Exports of NNI's DARTS by name, by number and as masks; every block is concatenated."""
    genotype = chosen(OLD_DARTS[form])
    assert cells(genotype) == (
        [[("sep_conv_5x5", 0), ("sep_conv_3x3", 1)], [("sep_conv_3x3", 1), ("dil_conv_5x5", 2)]],
        [[("max_pool_3x3", 0), ("avg_pool_3x3", 1)]],
    )
    (normal, _) = genotype.cells
    assert [str(state) for state in normal.output_states] == ["b0", "b1"]
    assert genotype.vocabulary.name == "darts"


def _old_enas(form: str) -> str:
    found: dict[str, object] = {}
    for kind, arc in (("normal", ARC), ("reduce", LAST)):
        numbers = [int(word) for word in arc.split()]
        for at in range(0, 8, 2):
            state, op = numbers[at : at + 2]
            key = f"{kind}_node_{at // 4}_{'xy'[at % 4 // 2]}"
            states = at // 4 + 2
            mask = [number == state for number in range(states)]
            found[f"{key}_input"] = {"numbers": state, "lists": [state], "masks": mask}[form]
            ops = [number == op for number in range(5)]
            found[f"{key}_op"] = {"numbers": op, "lists": [op], "masks": ops}[form]
    return json.dumps(found, indent=2)


@pytest.mark.parametrize("form", ["numbers", "lists", "masks"])
def test_old_enas_of_nni(form: str) -> None:
    """Exports of NNI's ENAS: the same cells as the integers of ENAS."""
    assert cells(chosen(_old_enas(form))) == TWO_BLOCKS


def test_old_inputs_without_names() -> None:
    """NNI gives neither of the two inputs a name; by name they cannot be told apart."""
    text = _old_enas("lists").replace(
        '"normal_node_0_x_input": [\n    0\n  ]', '"normal_node_0_x_input": [""]'
    )
    assert "an export by number tells them apart" in problem(text)


# -- the benchmarks -----------------------------------------------------------------------------------

NB101 = {
    "floats": "matrix = [[0., 1., 0.], [0., 0., 1.], [0., 0., 0.]]\nops = ['input', 'conv3x3-bn-relu', 'output']",
    "array": "m = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.int8)\no = ['input', 'conv3x3-bn-relu', 'output']",
    "rows of arrays": "m = [array([0, 1, 0]), array([0, 0, 1]), array([0, 0, 0])]\no = ['input', 'conv3x3-bn-relu', 'output']",
    "ops first": "labels = ('input', 'conv3x3-bn-relu', 'output')\nadjacency = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]",
    "positions": "ModelSpec([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ['input', 'conv3x3-bn-relu', 'output'])",
    "JSON": '{"module_adjacency": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "module_operations": ["input", "conv3x3-bn-relu", "output"]}',
    "as numpy prints": "matrix = [[0. 1. 0.]\n [0. 0. 1.]\n [0. 0. 0.]]\nops = ['input', 'conv3x3-bn-relu', 'output']",
    "constants": "matrix = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]\nops = [INPUT, CONV3X3, OUTPUT]",
}  # fmt: skip


@pytest.mark.parametrize("what", NB101)
def test_nasbench101_forms(what: str) -> None:
    """One convolution between input and output, however that is written."""
    genotype = chosen(NB101[what])
    (cell,) = genotype.cells
    assert [block.ops for block in cell.blocks][-1][0] == "conv3x3"
    assert genotype == chosen(NB101["floats"])


def test_nasbench101_that_cannot_be_told() -> None:
    """Two matrices and one list of ops; a number that is neither 0 nor 1."""
    two = "a = [[0, 1], [0, 0]]\nb = [[0, 1], [0, 0]]\nops = ['input', 'output', 'maxpool3x3']"
    assert "2 matrices and 1 lists of ops" in problem(two, "nasbench101")
    assert "is 0 or 1" in problem(NB101["floats"].replace("1.,", "0.5,", 1))


NB201 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


@pytest.mark.parametrize(
    "text",
    [
        NB201,
        f"Structure(4 nodes with {NB201})",
        f"info :: nodes=4, inC=64,\n[1<-(I0-L0) | 2<-(I0-L1,I1-L2)],\n{NB201}\nlatency 3",
        f'{{"arch": "{NB201}", "acc": 94.3}}',
        f"[12:00:00] best={NB201}, loss=0.3",
        NB201.replace("+", " + "),
        f"arch:\n  {NB201}\n",
    ],
)
def test_nasbench201_among_words(text: str) -> None:
    """The string is found as a genotype is found in a log."""
    genotype = chosen(text)
    assert interop.write(genotype, "nasbench201").text == NB201 + "\n"


NB301_NORMAL = [
    [("skip_connect", 0), ("sep_conv_3x3", 1)],
    [("max_pool_3x3", 0), ("dil_conv_3x3", 2)],
    [("sep_conv_5x5", 1), ("skip_connect", 3)],
    [("dil_conv_5x5", 0), ("avg_pool_3x3", 4)],
]
NB301_REDUCE = [
    [("max_pool_3x3", 0), ("max_pool_3x3", 1)],
    [("skip_connect", 0), ("sep_conv_3x3", 1)],
    [("dil_conv_3x3", 0), ("avg_pool_3x3", 2)],
    [("skip_connect", 1), ("sep_conv_5x5", 3)],
]
# Node 2 has edges 0 and 1, node 3 has 2 to 4, node 4 has 5 to 8, node 5 has 9 to 13.
NB301 = {
    "edge_normal_0": "skip_connect", "edge_normal_1": "sep_conv_3x3",
    "edge_normal_2": "max_pool_3x3", "edge_normal_4": "dil_conv_3x3",
    "inputs_node_normal_3": "0_2", "edge_normal_6": "sep_conv_5x5",
    "edge_normal_8": "skip_connect", "inputs_node_normal_4": "1_3",
    "edge_normal_9": "dil_conv_5x5", "edge_normal_13": "avg_pool_3x3",
    "inputs_node_normal_5": "0_4",
    "edge_reduce_0": "max_pool_3x3", "edge_reduce_1": "max_pool_3x3",
    "edge_reduce_2": "skip_connect", "edge_reduce_3": "sep_conv_3x3",
    "inputs_node_reduce_3": "0_1", "edge_reduce_5": "dil_conv_3x3",
    "edge_reduce_7": "avg_pool_3x3", "inputs_node_reduce_4": "0_2",
    "edge_reduce_10": "skip_connect", "edge_reduce_12": "sep_conv_5x5",
    "inputs_node_reduce_5": "1_3",
}  # fmt: skip
_PREFIX = "NetworkSelectorDatasetInfo:darts:"
NB301_FORMS = {
    "JSON": json.dumps({_PREFIX + key: value for key, value in NB301.items()}),
    "ConfigSpace": "Configuration(values={\n"
    + "".join(f"  {_PREFIX + key!r}: {value!r},\n" for key, value in sorted(NB301.items()))
    + "})\n",
    "older ConfigSpace": "Configuration:\n"
    + "".join(f"  {_PREFIX}{key}, Value: {value!r}\n" for key, value in sorted(NB301.items())),
    "YAML": "".join(f"'{_PREFIX}{key}': {value}\n" for key, value in NB301.items()),
}


@pytest.mark.parametrize("form", NB301_FORMS)
def test_nasbench301(form: str) -> None:
    """ConfigSpace's settings are edges by number; written again they are the same."""
    genotype = chosen(NB301_FORMS[form])
    assert cells(genotype) == (NB301_NORMAL, NB301_REDUCE)
    written = interop.write(genotype, "nasbench301")
    assert written.findings == ()
    assert json.loads(written.text) == {_PREFIX + key: value for key, value in NB301.items()}


def test_nasbench301_refusals() -> None:
    """Settings that are missing, or of no cell."""
    text = NB301_FORMS["JSON"]
    assert "`edge_normal_4` is missing" in problem(text.replace("edge_normal_4", "edge_normal_3"))
    assert "the lower one first" in problem(text.replace('"0_2"', '"2_0"', 1))
    assert "has two inputs of 0 to 2" in problem(text.replace('"0_2"', '"0_3"', 1))
    assert "no `edge_normal_99`" in problem(
        text.replace("{", f'{{"{_PREFIX}edge_normal_99": "x",', 1)
    )


# -- documents of our own ----------------------------------------------------------------------------

DOCUMENT = interop.write(nasdsl.load("darts_v2"), "json").text


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT.replace('"genotype"', '"genotype": "x", "genotype"', 1),
        DOCUMENT.replace('"output"', '"output": "unused", "output"', 1),
        f"x = {DOCUMENT}",
        f"import os\n{DOCUMENT}",
        f"({DOCUMENT})",
        DOCUMENT.replace('"nasdsl": 1', "'nasdsl': 1"),
        DOCUMENT.replace('"nasdsl": 1', '"nasdsl": 1 if True else 2'),
        DOCUMENT.replace('"nasdsl": 1,', '"nasdsl": 1, # one\n'),
        DOCUMENT.rstrip() + ",",
        DOCUMENT + DOCUMENT,
        DOCUMENT.replace('"nasdsl": 1', '"nasdsl": NaN'),
    ],
)
def test_documents_are_json_alone(text: str) -> None:
    """No key twice, no Python in it or around it."""
    with pytest.raises(nasdsl.CellError) as caught:
        interop.read(text, "json")
    assert {found.code for found in caught.value.diagnostics} == {"NAS651"}


def test_json_has_its_own_escapes() -> None:
    """Tabs, indents and JSON's escapes, some of which Python does not have."""
    text = "\n\t" + DOCUMENT.replace('"darts_v2"', '"d\\u0061rts_v2"', 1)
    assert interop.read(text, "json").genotypes == (nasdsl.load("darts_v2"),)
    assert "'a/b' cannot stand here" in problem(text.replace("d\\u0061rts_v2", "a\\/b"), "json")


def test_tags_of_yaml_that_do_not_fit() -> None:
    """A tag that its value does not fit is a finding at the value."""
    for value in ("!!bool maybe", '!!int ""', '!!float ""', '!!int "-"'):
        text = f"genotype: {value}\nnormal_concat: [2]\nnormal: 1\nreduce: 2\n"
        assert "this value cannot be read" in problem(text, "darts", "x.yaml")


def test_aliases_of_yaml_make_no_book() -> None:
    """A long name by its alias, again and again, is refused before it is written out."""
    name = "n" * 100_000
    text = f"nasdsl: 1\ngenotype: &a {name}\ncells:\n  normal:\n    blocks:\n" + (
        "    - {name: *a, inputs: [*a, *a], ops: [*a, *a], combine: *a}\n" * 50
    )
    assert "more than 1,000,000 characters" in problem(text, "yaml")


@pytest.mark.parametrize("format", ["yaml", "darts"])
def test_keys_of_yaml_stand_once(format: str) -> None:
    """A key of a mapping that is there twice is refused, at any depth."""
    text = interop.write(nasdsl.load("darts_v2"), "yaml").text
    text = text.replace("genotype:", "genotype: x\ngenotype:", 1)
    if format == "darts":
        text = "normal: []\nnormal_concat: []\nreduce: []\nreduce: []\nreduce_concat: []\n"
    assert "is there twice" in problem(text, format, "x.yaml")


# -- the inputs of the cases -----------------------------------------------------------------------

EXPECTED: dict[str, list[tuple[str, int, bool]]] = {
    "alias_of_alias.py": [("DARTS_V2", 1, True), ("BEST", 2, True), ("DARTS", 3, True)],
    "commented_arcs.sh": [("", 6, True)],
    "darts.json": [("", 1, True)],
    "dictionary.py": [("first", 5, True), ("second", 6, True)],
    "extra_fields.py": [("GDAS_V1", 1, True)],
    "in_a_string.py": [("one", 2, True)],
    "macro_arc.txt": [("", 1, False)],
    "nb101_floats.py": [("", 1, True)],
    "nb201_among_words.txt": [("", 3, True)],
    "nb301_config.json": [("", 2, True)],
    "nni1_darts.json": [("", 1, True)],
    "no_such_name.py": [("FIRST", 1, True), ("", 5, True)],
    "none_only.py": [("CELL", 1, True)],
    "one_bad_among_good.py": [("good", 1, True), ("bad", 2, False), ("triples", 3, True)],
    "structure.txt": [("", 1, True)],
    "two_epochs.log": [("genotype", 2, True), ("genotype", 4, True)],
    "unread_input.py": [("CELL", 2, True)],
    "weights_on_edges.py": [("CELL", 1, True)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cases(name: str) -> None:
    """Each input of the cases is found, with its names and lines."""
    if not (CASES / name).exists():
        pytest.skip("../shared/cases is not here")
    assert listed((CASES / name).read_text("utf-8"), name) == EXPECTED[name]


def test_every_case_is_expected() -> None:
    """No input of the cases is forgotten."""
    if not CASES.exists():
        pytest.skip("../shared/cases is not here")
    assert {path.name for path in CASES.iterdir()} - {"README.md"} == EXPECTED.keys()


def test_autodls_own_form_costs_what_it_costs() -> None:
    """GDAS_V1 with its own two fields: 3,368,782 parameters at C = 36 and 20 layers."""
    text = interop.write(nasdsl.load("gdas"), "darts").text
    text = text.rstrip().removesuffix(")") + ", connectN=None, connects=None)\n"
    genotype = chosen(text.replace("],\n,", "],"))
    assert nasdsl.cost(genotype, stem="cifar", N=6, filters=576).params == 3_368_782


# -- which format it is -------------------------------------------------------------------------

SLIM = (
    "class {name}BaseCell:\n  def __init__(self):\n"
    "    operations = ['separable_5x5_2', 'none']\n"
    "    used_hiddenstates = [1, 1, 0]\n"
    "    hiddenstate_indices = [0, 1]\n"
    "  def _cell_base(self, net):\n    return slim.conv2d(net, 3, 1, scope='1x1')\n"
)
DETECTED = {
    "slim's own code": (SLIM.format(name="NasNetANormal"), "slim"),
    "AmoebaNet's ops": (SLIM.format(name="Normal").replace("'none'", "'1x1'"), "amoebanet"),
    "a search of DARTS": (f"arch_lr = [1, 2]\nfixed_arc = [1, 2]\nbest = {call()}\n", "darts"),
    "ops of NAS-Bench-101": (f"PRIMITIVES = ['maxpool3x3', 'conv3x3-bn-relu']\nA = {call()}\n", "darts"),
    "NAS-Bench-201's program": (f"arc = [4 5]\nx = '{NB201}'\n", "nasbench201"),
}  # fmt: skip


@pytest.mark.parametrize("what", DETECTED)
def test_formats_are_told_apart(what: str) -> None:
    """Words of other formats hide none of which a genotype can be read."""
    text, format = DETECTED[what]
    assert interop.find(text).format == format
