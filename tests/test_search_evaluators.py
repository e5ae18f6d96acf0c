"""Evaluators by their specs, what each refuses, and limits by cost."""

import gzip
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.errors import CellError
from nasdsl.search.child import Child, child_from_options, limit_for
from nasdsl.search.evaluators import evaluator
from nasdsl.search.evaluators.places import absolute_spec, spec_at
from nasdsl.search.evaluators.python import FunctionEvaluator
from nasdsl.search.evaluators.table import TableEvaluator, read_table
from nasdsl.search.protocol import Evaluator, Report, Score
from nasdsl.search.searchers import options_of, searcher

TABLES = Path(__file__).parents[1] / "bench" / "tables"
SPACE = nasdsl.load_space("nasnet_space")
GENOTYPES = [*nasdsl.sample(SPACE, 3, 0)]
TEXTS = [nasdsl.genotype_text(each) for each in GENOTYPES]
HASHES = [nasdsl.canonical_hash(each) for each in GENOTYPES]
SMALL = "N=1&cell_filters=2&image_size=8&stem=cifar&classes=10"


def _nothing(value: float) -> None:
    """A report that nobody reads."""


def _refusal(spec: str) -> Any:
    with pytest.raises(CellError) as caught:
        evaluator(spec).evaluate(TEXTS[0], 0, _nothing)
    (found,) = caught.value.diagnostics
    return found


# -- specs -------------------------------------------------------------------------------

WRONG_SPECS = {
    "tabel:x.csv": ("NAS882", "did you mean `table`?"),
    "": (
        "NAS882",
        "the kinds are `train`, `table`, `supernet`, `proxy`, `latency`, `python`, `finish`, "
        "`objectives` and `predicted`",
    ),
    "table:x.csv?colum=test": ("NAS882", None),
    "table:x.csv?test": ("NAS882", None),
    "proxy:synflo": ("NAS882", "did you mean `synflow`?"),
    f"proxy:synflow?batch=3&{SMALL}": ("NAS882", None),
    "proxy:synflow?N=many": ("NAS502", None),
    "proxy:synflow?cell_filters=0": ("NAS502", None),
    "python:math": ("NAS882", None),
    "python:no_such_module_here:f": ("NAS882", None),
    "python:math:sqrtt": ("NAS882", "did you mean `sqrt`?"),
    "python:math:pi": ("NAS882", None),
    "python:math:sqrt?x=1": ("NAS882", None),
    "python:gc:get_count": (
        "NAS882",
        "an evaluator is a function of `text, seed, report`; it may leave out the last two",
    ),
}


@pytest.mark.parametrize("spec", WRONG_SPECS)
def test_wrong_specs(spec: str) -> None:
    """One diagnostic each, with the nearest name where there is one."""
    if spec.startswith("proxy"):
        pytest.importorskip("torch")
    code, hint = WRONG_SPECS[spec]
    found = _refusal(spec)
    assert found.code == code
    if hint:
        assert hint in found.hints


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("def score(:", "invalid syntax"),
        ("raise OSError('no such device')", "no such device"),
        ("import json.nothing_of_this_name", "json.nothing_of_this_name"),
    ],
)
def test_a_module_that_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, said: str
) -> None:
    """Whatever somebody's module raises is a finding about it, and no error of nasdsl's."""
    (tmp_path / "their_broken_module.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    found = _refusal("python:their_broken_module:score")
    assert found.code == "NAS882"
    assert "cannot be imported" in found.message
    assert said in found.message


def score_of_text(text: str, seed: int, report: Report) -> float:
    report(0.5)
    return len(text) + seed


def score_with_curve(text: str, seed: int, report: Report) -> Score:
    return Score(1.0, (0.5, 1.0), params=7)


def test_any_function_evaluates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number becomes a score, a score stays one, and reports get through."""
    monkeypatch.setitem(sys.modules, "their_module", sys.modules[__name__])
    reported: list[float] = []
    asked = evaluator("python:their_module:score_of_text")
    assert isinstance(asked, Evaluator)
    assert asked.evaluate(TEXTS[0], 3, reported.append) == Score(len(TEXTS[0]) + 3)
    assert reported == [0.5]
    whole = evaluator("python:their_module:score_with_curve")
    assert whole.evaluate(TEXTS[0], 0, _nothing) == Score(1.0, (0.5, 1.0), params=7)


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lambda text: (text,), ("text",)),
        (lambda text, seed: (text, seed), ("text", 7)),
        (lambda text, other: (text, other), ("text", 7)),
        (lambda text, report: (text, report), ("text", print)),
        (lambda text, report, seed: (text, report, seed), ("text", print, 7)),
        (lambda text, rounds=3, report=None: (text, rounds, report), ("text", 3, print)),
        (lambda text, seed, curve=None: (text, seed, curve), ("text", 7, print)),
        (lambda *all: all, ("text", 7, print)),
        (lambda text, **all: (text, *all.items()), ("text", ("seed", 7), ("report", print))),
    ],
)
def test_functions_that_take_less(function: Any, given: tuple[object, ...]) -> None:
    """What a function leaves out is not given to it; what it names is given by name."""
    assert FunctionEvaluator(function).evaluate("text", 7, print).reward == given


# -- tables ------------------------------------------------------------------------------


def _table(folder: Path, *rows: str, head: str = "hash,held_out,test,params") -> str:
    path = folder / "table.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return f"table:{path}"


def test_a_table_answers_by_canonical_hash(tmp_path: Path) -> None:
    """Several seeds count as their mean; another column may be asked for."""
    spec = _table(tmp_path, f"{HASHES[0]},0.5,0.1,9", f"{HASHES[0]},0.25,0.3,9")
    found = evaluator(spec).evaluate(TEXTS[0], 0, _nothing)
    assert found == Score(0.375, (), params=9, mult_adds=None)
    other = evaluator(f"{spec}?column=test").evaluate(TEXTS[0], 5, _nothing)
    assert other.reward == pytest.approx(0.2)
    swapped = GENOTYPES[0]
    renamed = nasdsl.genotype_text(swapped).replace("b0", "first")
    assert evaluator(spec).evaluate(renamed, 0, _nothing) == found


def test_a_genotype_that_is_not_in_the_table(tmp_path: Path) -> None:
    """NAS884 names its hash."""
    found = _refusal(_table(tmp_path, f"{HASHES[1]},0.5,0.1,9"))
    assert found.code == "NAS884"
    assert HASHES[0] in found.message


@pytest.mark.parametrize(
    "row", [f"{HASHES[0]},nan,0,9", f"{HASHES[0]},", f"{HASHES[0]}", f"{HASHES[0]},0.5,0,many"]
)
def test_damaged_rows(tmp_path: Path, row: str) -> None:
    """NAS883 with the line."""
    found = _refusal(_table(tmp_path, f"{HASHES[1]},0.5,0.1,9", row))
    assert found.code == "NAS883"
    assert "table.csv:3" in found.message


def test_other_files_are_no_tables(tmp_path: Path) -> None:
    """A missing file, a folder, bytes, and a table without the column."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    specs = ("table:no such file", f"table:{tmp_path}", f"table:{tmp_path / 'bytes'}")
    for spec in (*specs, _table(tmp_path, head="hash,reward")):
        assert _refusal(spec).code == "NAS883"


STRINGS = (
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
    "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
)
#: The first of them, with the operands of its sums exchanged.
TURNED = """\
genotype turned
ops nasbench201
cell normal {
    one  = (h[i], h[i], none, nor_conv_3x3, add)
    two  = (one, h[i], skip_connect, none, add)
    part = (one, h[i], none, none, add)
    out  = (two, part, avg_pool_3x3, skip_connect, add)
    output concat(out)
}
"""


def _strings(folder: Path, *rows: str) -> str:
    path = folder / "strings.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n".join(["arch,val,test,latency", *rows]) + "\n")
    return f"table:{path}?key=arch&value=val"


def test_a_table_of_another_formats_strings(tmp_path: Path) -> None:
    """Packed, in percent, with what is reported apart; equal cells find the row."""
    spec = _strings(tmp_path, f"{STRINGS[0]},50,75,31.5", f"{STRINGS[1]},0.5,0.25,28")
    found = evaluator(f"{spec}&report=test")
    assert isinstance(found, TableEvaluator)
    assert (found.unit, found.format) == ("percent", "nasbench201")
    (cell,) = nasdsl.interop.read(STRINGS[0]).genotypes
    for text in (nasdsl.genotype_text(cell), TURNED):
        assert found.evaluate(text, 0, _nothing) == Score(0.5)
        assert found.reported(text) == {"test": 0.75}
    raw = evaluator(spec.replace("value=val", "value=latency&unit=raw"))
    assert raw.evaluate(TURNED, 0, _nothing).reward == 31.5


def test_shares_are_left_as_they_are(tmp_path: Path) -> None:
    """Numbers up to 1, and numbers that are no accuracies."""
    for numbers in (("0.5", "1"), ("-50", "75"), ("50", "750")):
        spec = _strings(tmp_path, *(f"{a},{b},0,0" for a, b in zip(STRINGS, numbers, strict=True)))
        assert evaluator(spec).evaluate(TURNED, 0, _nothing).reward == float(numbers[0])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{STRINGS[0]},50,75,1", f"{STRINGS[0]},51,75,1"], "strings.csv.gz:3: .* in line 2"),
        ([f"{STRINGS[0]},50,75,1", ",50,75,1"], "strings.csv.gz:3: a row without a key"),
        ([f"{STRINGS[0]},50,75,1", f"{STRINGS[1]},,75,1"], "strings.csv.gz:3: .* missing"),
        ([STRINGS[0].replace("avg", "max") + ",50,75,1"], "strings.csv.gz:2: .*max_pool_3x3"),
        (
            [f"{STRINGS[0]},50,75,1", STRINGS[1].replace("avg", "max") + ",50,75,1"],
            "strings.csv.gz:3: .*max_pool_3x3",
        ),
        (["what is this,50,75,1"], "strings.csv.gz:2: 'what is this' is not a genotype"),
        ([], "a header and no row"),
    ],
)
def test_bad_tables(tmp_path: Path, rows: list[str], message: str) -> None:
    """One NAS883, with the line."""
    found = _refusal(_strings(tmp_path, *rows))
    assert found.code == "NAS883"
    assert re.search(message, found.message)


def test_bad_options_of_tables(tmp_path: Path) -> None:
    """A key or a column that is not there; a unit that is none; a column said twice."""
    spec = _strings(tmp_path, f"{STRINGS[0]},50,75,1")
    for wrong in (spec.replace("=arch", "=arhc"), f"{spec}&report=tset"):
        assert (_refusal(wrong).code, "no column" in _refusal(wrong).message) == ("NAS883", True)
    for wrong in (f"{spec}&unit=parts", f"{spec}&column=val", f"{spec}&seed=1"):
        assert _refusal(wrong).code == "NAS882"
    cut = tmp_path / "strings.csv.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    assert _refusal(spec).code == "NAS883"


# -- the table benchmark -----------------------------------------------------------------


def test_the_benchmarks_space_has_3025_genotypes() -> None:
    """Two cells, one block, five ops, add: 55 canonical forms a cell, by three ways of counting.

    By hand: an operand is one of 2 states under one of 5 ops, 10 in all; the sum commutes,
    so a block is a multiset of two of them, 10 * 11 / 2 = 55. By the algebra of spaces, and
    by the hashes of all 10,000 raw members.
    """
    space = nasdsl.load_space(TABLES / "digits.cell")
    assert nasdsl.count(space) == (2 * 2 * 5 * 5) ** 2 == 10_000
    assert nasdsl.count_distinct(space) == (10 * 11 // 2) ** 2 == 3025
    members = nasdsl.enumerate_genotypes(space)
    assert len({nasdsl.canonical_hash(each) for each in members}) == 3025


@pytest.mark.skipif(not (TABLES / "digits.csv").exists(), reason="the table is not made yet")
def test_the_table_is_complete() -> None:
    """A row for every genotype of the space and no other, with accuracies that differ."""
    space = nasdsl.load_space(TABLES / "digits.cell")
    hashes = {nasdsl.canonical_hash(each) for each in nasdsl.enumerate_genotypes(space)}
    scores = read_table(TABLES / "digits.csv").scores
    assert scores.keys() == hashes
    assert all(0.1 < score.reward < 1 for score in scores.values())
    assert len({score.reward for score in scores.values()}) > 100


# -- the networks of children ------------------------------------------------------------


def test_children_are_the_papers() -> None:
    """N = 2 and 32 filters in the first cell, however many states a cell passes on."""
    from nasdsl.network import configuration_of

    for genotype in nasdsl.sample(SPACE, 20, 3):
        network = configuration_of(Child().network(genotype))
        assert (network.N, network.cell_filters) == (2, 32)


def test_what_wins_in_a_childs_network() -> None:
    """Options over the text, the text over what follows from the data."""
    text = TEXTS[0] + "network { N = 3  classes = 7 }\n"
    options = {"classes": "5", "cell_filters": "4", "epochs": "3"}
    child = child_from_options(options)
    assert options == {"epochs": "3"}
    base = nasdsl.Settings(N=9, classes=9, image_size=16)
    network = Child(child.settings, child.cell_filters, base).network(nasdsl.loads(text))
    given = network.settings
    assert (given.N, given.classes, given.image_size) == (3, 5, 16)


def test_limits_agree_with_the_cost_model() -> None:
    """A genotype is within a limit exactly where its own count is, to the unit."""
    pytest.importorskip("torch")
    asked = evaluator(f"proxy:synflow?{SMALL}")
    for genotype in GENOTYPES:
        cost = nasdsl.cost(asked.child.network(genotype))  # type: ignore[attr-defined]
        fits = limit_for(asked, max_params=cost.params, max_mult_adds=cost.mult_adds)
        beyond = limit_for(asked, max_params=cost.params, max_mult_adds=cost.mult_adds - 1)
        assert fits is not None
        assert fits(genotype) is None
        assert beyond is not None
        assert beyond(genotype) == (
            f"{cost.mult_adds:,} mult-adds in a network of N = 1, 2 filters in the first cell, "
            f"stem cifar, images of 8 pixels; more than {cost.mult_adds - 1:,}"
        )


def test_without_limits_nothing_is_counted() -> None:
    """No function at all."""
    assert limit_for(evaluator("python:math:sqrt")) is None


# -- algorithms by name ------------------------------------------------------------------


def test_unknown_algorithms_and_options() -> None:
    """The nearest name, and every wrong option at once."""
    pytest.importorskip("torch")
    with pytest.raises(CellError) as caught:
        searcher("poo", SPACE, 0)
    (found,) = caught.value.diagnostics
    assert (found.code, found.hints) == ("NAS880", ("did you mean `ppo`?",))
    with pytest.raises(CellError) as caught:
        searcher("ppo", SPACE, 0, lrr=1, batch="many", clip=None)
    assert [each.code for each in caught.value.diagnostics] == ["NAS881"] * 3
    assert caught.value.diagnostics[0].hints == ("did you mean `lr`?",)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("evolution", "population", "0"),
        ("evolution", "sample", -1),
        ("evolution", "sample", 2.0),
        ("random", "repeats", "maybe"),
        ("ppo", "batch", "0"),
        ("ppo", "lr", "nan"),
        ("ppo", "lr", "-0.1"),
        ("ppo", "baseline", 1.5),
        ("optuna", "sampler", "TPESampler2"),
        ("optuna", "sampler", "GridSampler"),
    ],
)
def test_values_that_options_cannot_have(name: str, option: str, value: object) -> None:
    """NAS881, and never a searcher that hangs or breaks later."""
    pytest.importorskip({"ppo": "torch", "optuna": "optuna"}.get(name, "nasdsl"))
    with pytest.raises(CellError) as caught:
        searcher(name, SPACE, 0, **{option: value})
    (found,) = caught.value.diagnostics
    assert found.code == "NAS881"


def test_options_may_be_texts() -> None:
    """As a command line has them: numbers and truth values are read as the option's type."""
    made: Any = searcher("random", SPACE, 0, repeats="False")
    assert made.repeats is False
    evolved: Any = searcher("evolution", SPACE, 0, population="7")
    assert evolved.size == 7
    wide: Any = searcher("evolution", SPACE, 0, sample=3)
    assert wide.sample == 3
    assert options_of("evolution") == {"population": 100, "sample": 25}


def test_importing_the_registry_is_cheap() -> None:
    """Neither PyTorch nor Optuna is imported before an algorithm that needs it is."""
    code = (
        "import sys, nasdsl\n"
        "from nasdsl.search.searchers import names, searcher\n"
        "from nasdsl.search.evaluators import evaluator\n"
        "searcher('evolution', nasdsl.load_space('nasnet_space'), 0).propose(2); names()\n"
        "assert not {'torch', 'optuna', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_paths_of_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe's file is absolute in a store and found beside one that moved."""
    monkeypatch.chdir(tmp_path)
    spec = absolute_spec("train?recipe=my.toml&epochs=2")
    assert spec == f"train?recipe={tmp_path}/my.toml&epochs=2"
    assert absolute_spec("train?recipe=search") == "train?recipe=search"
    assert absolute_spec("train") == "train"
    there = tmp_path / "there"
    there.mkdir()
    (there / "my.toml").touch()
    moved = spec_at(spec, str(tmp_path), there / "s.db")
    assert moved == f"train?recipe={there}/my.toml&epochs=2"


def test_a_table_of_excel(tmp_path: Path) -> None:
    """The mark with which it begins is no part of the first column's name."""
    path = tmp_path / "t.csv"
    path.write_text("hash,held_out\n00ff00ff00ff00ff,0.5\n", encoding="utf-8-sig")
    assert read_table(path).scores["00ff00ff00ff00ff"].reward == 0.5
