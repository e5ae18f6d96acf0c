"""The other commands: their data, as text and as JSON."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import nasdsl
from nasdsl import library
from nasdsl.api.compile import compiled_graph
from nasdsl.api.library_entries import library_entries
from nasdsl.errors import CODES, plural
from nasdsl.errors.explain import explanation
from nasdsl.language.genotype.settings import RULES
from nasdsl.network.cost_table import short_number
from nasdsl.network.text import graph_text
from nasdsl.report.digits import every_digit
from tests.cli_run import Ran, Run, runner

SMALL = """\
genotype small
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], {identity | avg_pool_3x3}, {identity | avg_pool_3x3}, add)
}
"""
CELL = """\
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
    b1 = (h[i], h[i],   avg_pool_3x3, identity, add)
}

cell reduction {
    b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_5x5, add)
}
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("cost", "nasnet_a")` in a folder with `small.cell` and `tiny.cell`."""
    monkeypatch.chdir(tmp_path)
    Path("small.cell").write_text(SMALL)
    Path("tiny.cell").write_text(CELL)
    return runner(capfd, monkeypatch)


# -- cost ---------------------------------------------------------------------------------

LARGE = ["--N", "6", "--filters", "4032", "--stem", "imagenet", "--image-size", "331"]


def test_cost_json(run: Run) -> None:
    """The published figures of NASNet-A 6 @ 4032, as integers."""
    ran = run("cost", "nasnet_a", *LARGE, "--classes", "1000", "--json")
    found = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert found["params"] == 88_753_150
    assert found["params_total"] == 88_949_818
    assert found["mult_adds"] == 23_783_414_658
    assert found["network"]["skeleton"] == "nasnet"
    assert sum(module["params"] for module in found["modules"]) == found["params"]
    assert sum(module["mult_adds"] for module in found["modules"]) == found["mult_adds"]


def test_cost_is_that_of_python(run: Run) -> None:
    """The command and `nasdsl.cost` say the same."""
    counted = nasdsl.cost(nasdsl.load("nasnet_a_mobile"))
    found = json.loads(run("cost", "nasnet_a_mobile", "--json").out)
    assert (found["params"], found["mult_adds"], found["activations"]) == (
        counted.params,
        counted.mult_adds,
        counted.activations,
    )


def test_cost_flags_win(run: Run) -> None:
    """A flag wins over the file, and leaves the file's other settings alone."""
    found = json.loads(run("cost", "nasnet_a_cifar", "--n", "2", "--json").out)
    assert (found["network"]["N"], found["network"]["filters"]) == (2, 768)


FLAGS = {
    "skeleton": ("--skeleton pnasnet", "pnasnet"),
    "stem": ("--stem cifar", "cifar"),
    "N": ("--N 3", 3),
    "layers": ("--skeleton darts --layers 9", 9),
    "filters": ("--filters 528", 528),
    "cell_filters": ("--cell-filters 44", 44),
    "image_size": ("--image-size 224", 224),
    "classes": ("--classes 7", 7),
    "input_channels": ("--input-channels 1", 1),
    "stem_filters": ("--stem-filters 20", 20),
    "skip_reduction_input": ("--no-skip-reduction-input", False),
    "auxiliary": ("--auxiliary", True),
    "drop_path": ("--drop-path 0.25", 0.25),
    "dropout": ("--dropout 0.25", 0.25),
    "batch_norm_epsilon": ("--batch-norm-epsilon 1e-5", 1e-5),
    "batch_norm_momentum": ("--batch-norm-momentum 0.1", 0.1),
}


@pytest.mark.parametrize("name", RULES)
def test_cost_has_a_flag_for_every_setting(run: Run, name: str) -> None:
    """Every setting of the one table has a flag, and the network takes its value."""
    flag, value = FLAGS[name]
    ran = run("cost", "nasnet_a", *flag.split(), "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["network"][name] == value


def test_an_auxiliary_classifier_larger_than_the_network_gets_a_warning(run: Run) -> None:
    """At the size of ImageNet on the CIFAR stem; no published network has one."""
    sizes = ("nasnet_a", "--N", "6", "--filters", "768", "--stem", "cifar", "--image-size", "224")
    ran = run("cost", *sizes, "--auxiliary")
    assert ran.code == 0
    assert ran.err.startswith("warning[NAS508]: the auxiliary classifier has 127,460,618 param")
    assert "`--no-auxiliary`" in ran.err
    assert "`--stem imagenet`" in ran.err
    assert run("cost", *sizes).err == ""
    assert run("cost", "nasnet_a_large", "--auxiliary").err == ""


def test_cost_in_another_vocabulary(run: Run) -> None:
    """`--ops` reads the same cells in another vocabulary, if it has their ops."""
    keras = json.loads(run("cost", "nasnet_a_mobile", "--ops", "nasnet_keras", "--json").out)
    assert keras["params"] == 5_289_978
    ran = run("cost", "example_c_form", "--ops", "darts")
    assert ran.code == 2
    assert "the vocabulary `darts` has no" in ran.err
    assert run("cost", "nasnet_a_mobile", "--ops", "keras").code == 2


@pytest.mark.parametrize("columns", [60, 79, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        *(["cost", "nasnet_a_large"], ["cost", "amoebanet_a_xlarge"], ["list"], ["doctor"]),
        *(["convert", "--list"], ["list", "--plugins"], ["explain"], ["explain", "NAS201"]),
        *(["count", "nasnet_space"], ["diff", "nasnet_a", "nasnet_a_unused"]),
        ["cost", "nasnet_a_large", "--detector", "paper"],
    ],
)
def test_tables_on_a_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], columns: int
) -> None:
    """No line is wider than a terminal of 60 columns or more, and nothing is cut."""
    wide = run(*arguments).out
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    shown = run(*arguments).out
    assert max(map(len, shown.splitlines())) <= columns
    assert "\u2026" not in shown
    figures = re.compile(r"(?<![\w.])\d[\d,.]*[kMB%](?=\s|$)", re.M)
    assert sorted(figures.findall(shown)) == sorted(figures.findall(wide))


def test_one_of_a_thing_is_singular(run: Run) -> None:
    """Whatever is counted: a noun in the singular follows a one."""
    assert [plural(number, "class") for number in (0, 1, 1000)] == [
        "0 classes", "1 class", "1,000 classes",
    ]  # fmt: skip
    assert plural(1000, "step", "d") == "1000 steps"
    small = ("nasnet_a", "--stem", "cifar", "--N", "1", "--filters", "96", "--classes", "1")
    for words in (("cost", *small), ("show", *small, "--graph")):
        out = run(*words).out
        assert "1 class\n" in out
        assert not re.search(r"\b1 (class|module|node|filter)e?s\b", out)


def test_no_plural_is_made_by_hand() -> None:
    """`plural` makes every one, so that none is forgotten."""
    found = [
        f"{path}:{number}"
        for root in ("nasdsl", "backends")
        for path in (Path(__file__).parents[1] / root).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"""['"]e?s['"] (\*|if) """, line) and path.name != "hints.py"
    ]
    assert found == []


def test_cost_tables(run: Run) -> None:
    """The line of the network, the figures, and a row for every cell and op."""
    ran = run("cost", "nasnet_a_large")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "nasnet_a_large 6 @ 4032"
    assert "331x331 pixels, 1000 classes" in lines[1]
    assert max(map(len, lines)) <= 80
    small = "darts_v2 --N 1 --cell-filters 4 --stem cifar --image-size 8"
    assert " kB in float32)" in run("cost", *small.split()).out
    for words in ("88,753,150", "88,949,818", "23,783,414,658", "cells.2-5 normal", "sep_conv_3x3"):
        assert words in ran.out


def test_cost_auxiliary(run: Run) -> None:
    """The auxiliary classifier is told apart from what is counted."""
    out = run("cost", "nasnet_a_mobile", "--auxiliary").out
    assert "5,289,978" in out
    assert "2,411,240" in out


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *(
            (0, "0"),
            (999, "999"),
            (1_000, "1.00k"),
            (5_289_978, "5.29M"),
            (23_783_414_658, "23.78B"),
        ),
        *((999_994, "999.99k"), (999_996, "1.00M"), (999_996_000, "1.00B")),
    ],
)
def test_short_numbers(number: int, said: str) -> None:
    """Numbers as people say them."""
    assert short_number(number) == said


def test_cost_of_a_space(run: Run) -> None:
    """A space has no single cost."""
    ran = run("cost", "small.cell")
    assert (ran.code, ran.out) == (1, "")
    assert "error[NAS310]" in ran.err


def test_warnings_are_commentary(run: Run) -> None:
    """A genotype with warnings is used, and the warnings are told."""
    Path("w.cell").write_text(CELL.replace("\n}\n\ncell r", "\n    output concat(b0)\n}\n\ncell r"))
    ran = run("hash", "w.cell")
    assert ran.code == 0
    assert ran.out.endswith("  w.cell\n")
    assert "warning[NAS307]" in ran.err


# -- spaces -------------------------------------------------------------------------------


def test_count(run: Run) -> None:
    """The published space to the unit; the rounded figure is commentary."""
    assert run("count", "nasnet_space") == Ran(
        0, "5229943396058757337940161399357440000\n", "about 5.229 * 10^36\n"
    )


def test_count_of_a_vast_space(run: Run) -> None:
    """Numbers of thousands of digits come out whole, everywhere they are said."""
    Path("vast.cell").write_text(SMALL.replace("b0 =", "900 *").replace("h[i], h[i-1]", "?, ?"))
    ran = run("count", "vast.cell")
    assert ran.code == 0
    size = nasdsl.count(nasdsl.load_space("vast.cell"))
    assert size % 4**900 == 0
    assert size > 10**5000
    with every_digit():
        assert ran.out == f"{size}\n"
        assert json.loads(run("count", "vast.cell", "--json").out)["count"] == size
    assert run("enumerate", "vast.cell", "--limit", "0").code == 0
    assert run("sample", "vast.cell").code == 0
    assert run("count", "vast.cell", "--distinct").code == 2


def test_numbers_of_texts_stay_bounded(run: Run) -> None:
    """Only counts are printed in full: a number of a megabyte is refused unread."""
    bound = sys.get_int_max_str_digits()
    assert run("count", "nasnet_space").code == 0
    assert sys.get_int_max_str_digits() == bound > 0
    genotype = "Genotype(normal=[('skip_connect', NUMBER)], normal_concat=[2, 3, 4, 5])"
    for name, text in {
        "x.py": genotype.replace("NUMBER", "9" * 1_000_000),
        "x.json": '{"normal": [NUMBER]}'.replace("NUMBER", "9" * 1_000_000),
    }.items():
        Path(name).write_text(text)
        ran = run("convert", name)
        assert ran.code in (1, 2)
        assert "error[NAS65" in ran.err
        assert sys.get_int_max_str_digits() == bound


def test_count_distinct(run: Run) -> None:
    """Two ops on two different states: four ways, all of them different."""
    assert run("count", "small.cell", "--distinct") == Ran(0, "4\n", "")
    found = json.loads(run("count", "small.cell", "--distinct", "--json").out)
    assert found == {"version": 1, "space": "small", "count": 4, "distinct": 4}
    assert run("count", "small.cell", "--distinct", "--limit", "3").code == 2


def test_forms(run: Run) -> None:
    """Cells that differ in an identity: two structures, one function, and `diff` says why."""
    text = "genotype g ops nasbench201 cell normal { a = (h[i], h[i], avg_pool_3x3, none, add) }"
    more = text.replace(" }", " b = (a, a, skip_connect, none, add) }")
    Path("one.cell").write_text(text)
    Path("other.cell").write_text(more)
    for form, different in {"structure": 2, "function": 1, "function_strict": 1}.items():
        ran = run("hash", "one.cell", "other.cell", "--form", form)
        assert len({line.split()[0] for line in ran.out.splitlines()}) == different
    ran = run("diff", "one.cell", "other.cell")
    assert ran.code == 1
    assert ran.err.startswith("the structures differ, and the function is the same: an identity ")
    found = json.loads(run("diff", "one.cell", "other.cell", "--json").out)
    assert (found["equivalent"], found["same_function"]) == (False, True)
    assert found["rules"] == ["identity", "zero"]


def test_count_by_form(run: Run) -> None:
    """Sixteen ways, some of which are one function."""
    Path("two.cell").write_text(
        "ops nasbench201 cell normal { a = (h[i], h[i], avg_pool_3x3, none, add)"
        " b = (a, h[i], {skip_connect | avg_pool_3x3}, {none | skip_connect}, add)"
        " c = (b, a, {skip_connect | none}, {none | skip_connect}, add) }"
    )
    printed = {
        form: int(run("count", "two.cell", "--distinct", "--form", form).out)
        for form in ("structure", "function")
    }
    # With h the input, p its pool and q the pool of p: nothing, p, p + h, q, q + h, and the last
    # four with another p. Structures tell all 2 * 2 * 2 * 2 ways apart.
    assert printed == {"structure": 16, "function": 9}
    assert run("count", "two.cell", "--form", "function").code == 2
    ran = run("count", "two.cell", "--distinct", "--form", "functoin")
    assert ran.code == 2
    assert "did you mean `function`?" in ran.err


def test_sample(run: Run) -> None:
    """One sample is a file; several are parted by blank lines; a seed fixes them."""
    one = run("sample", "nasnet_space", "--seed", "7").out
    assert nasdsl.loads(one) == next(nasdsl.sample(nasdsl.load_space("nasnet_space"), 1, 7))
    three = run("sample", "nasnet_space", "--seed", "7", "-n", "3").out
    texts = ["genotype " + part for part in three.split("genotype ")[1:]]
    assert [nasdsl.loads(text).name for text in texts] == [f"nasnet_space_{i}" for i in range(3)]
    assert nasdsl.loads(texts[0]).cells == nasdsl.loads(one).cells
    assert run("sample", "nasnet_space", "-n", "0").out == ""


def test_sample_files(run: Run) -> None:
    """`-o` makes a folder with a file for each, and lists them for scripts."""
    ran = run("sample", "nasnet_space", "-n", "11", "-o", "new/folder", "--json")
    files = json.loads(ran.out)["files"]
    assert ran.err == "wrote 11 files to new/folder\n"
    assert files[10] == str(Path("new/folder/nasnet_space_10.cell"))
    assert run("check", *files).code == 0


def test_sample_into_a_file(run: Run) -> None:
    """A folder that is a file is refused before anything is drawn."""
    ran = run("sample", "nasnet_space", "-o", "tiny.cell")
    assert ran.code == 2
    assert Path("tiny.cell").read_text() == CELL


def test_sample_keeps_its_space(run: Run) -> None:
    """A sample has the name of its space, and does not take the place of its file."""
    text = Path("small.cell").read_text()
    ran = run("sample", "small.cell", "-o", ".")
    assert ran.code == 2
    assert "the space is in this file" in ran.err
    assert Path("small.cell").read_text() == text
    assert run("sample", "small.cell", "-n", "2", "-o", ".").code == 0
    assert run("sample", "small.cell", "-o", "elsewhere").code == 0


def test_enumerate(run: Run) -> None:
    """All members in order, or the first few."""
    ran = run("enumerate", "small.cell")
    assert ran.err == "4 genotypes\n"
    texts = ["genotype " + part for part in ran.out.split("genotype ")[1:]]
    members = list(nasdsl.enumerate_genotypes(nasdsl.load_space("small.cell")))
    assert [nasdsl.loads(text) for text in texts] == members
    few = run("enumerate", "nasnet_space", "--limit", "2", "--json")
    rows = [json.loads(line) for line in few.out.splitlines()]
    assert [(row["version"], row["index"]) for row in rows] == [(1, 0), (1, 1)]
    assert few.err.startswith("the first 2 of 5229943396058757337940161399357440000")


# -- comparing ----------------------------------------------------------------------------


def test_hash(run: Run) -> None:
    """A line a file; the hash is Python's."""
    expected = nasdsl.canonical_hash(nasdsl.load("nasnet_a"))
    ran = run("hash", "nasnet_a", "tiny.cell")
    assert ran.out.splitlines()[0] == f"{expected}  nasnet_a"
    rows = json.loads(run("hash", "nasnet_a", "tiny.cell", "--json").out)["hashes"]
    assert rows[0] == {"file": "nasnet_a", "name": "nasnet_a", "hash": expected}


def test_hash_goes_on(run: Run) -> None:
    """Files with mistakes are reported, and the others have their line."""
    Path("bad.cell").write_text("genotype bad\n")
    ran = run("hash", "bad.cell", "nasnet_a", "missing.cell")
    assert ran.code == 1
    assert ran.out.splitlines() == [f"{nasdsl.canonical_hash(nasdsl.load('nasnet_a'))}  nasnet_a"]
    assert ran.err.count("error[") == 2


def test_hash_goes_on_after_symmetric_cells(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose form takes too long is reported by its file, and the others have their line."""
    blocks = "".join(f"b{at} = (h[i], h[i], identity, identity, add)\n" for at in range(4))
    pairs = ((0, 1), (1, 2), (2, 3), (0, 3))
    blocks += "".join(
        f"c{at} = (b{one}, b{other}, identity, identity, add)\n"
        for at, (one, other) in enumerate(pairs)
    )
    Path("ring.cell").write_text(f"genotype ring\nops nasnet\ncell normal {{\n{blocks}}}\n")
    monkeypatch.setattr("nasdsl.canonical.order.MAX_DEPTH", 0)
    ran = run("hash", "ring.cell", "nasnet_a")
    assert ran.code == 2
    assert ran.out.splitlines() == [f"{nasdsl.canonical_hash(nasdsl.load('nasnet_a'))}  nasnet_a"]
    assert "error[NAS603]: ring.cell: the cell `normal` is too symmetric" in ran.err


def test_diff(run: Run) -> None:
    """A sentence a difference, and 1 where there is one; scripts get the fields too."""
    sentences = ["normal cell: the output drops h[i-1]", "reduction cell: the output drops b1"]
    assert run("diff", "nasnet_a", "nasnet_a_unused") == Ran(1, "\n".join([*sentences, ""]), "")
    found = json.loads(run("diff", "nasnet_a", "nasnet_a_unused", "--json").out)
    assert found["explanation"] == sentences
    assert [each["right"] for each in found["differences"]] == ["unused", "unused"]
    assert run("diff", "nasnet_a", "nasnet_a") == Ran(0, "", "nothing differs\n")


def test_diff_of_what_means_the_same(run: Run) -> None:
    """Operands that trade places are a difference of text, and that is said."""
    Path("other.cell").write_text(
        CELL.replace("(h[i], h[i-1], sep_conv_3x3, identity, add)", "(h[i-1], h[i], identity, "
                     "sep_conv_3x3, add)")
    )  # fmt: skip
    ran = run("diff", "tiny.cell", "other.cell")
    assert ran.code == 1
    assert ran.out == "normal cell: the same up to names and order\n"
    assert ran.err == "the cells are the same up to names and order\n"
    found = json.loads(run("diff", "tiny.cell", "other.cell", "--json").out)
    assert (found["equal"], found["equivalent"]) == (False, True)
    assert found["differences"][0] == {
        "place": "cell normal, b0, first input",
        "left": "h[i]",
        "right": "h[i-1]",
    }


# -- looking up ---------------------------------------------------------------------------


def test_list(run: Run) -> None:
    """Every file of the library once, each with a description, by kind."""
    names = [*library.names(), *nasdsl.library.vocabulary_names()]
    found = {entry.name: entry for entry in library_entries()}
    assert sorted(found) == sorted(names)
    assert all(entry.description for entry in found.values())
    assert {name: found[name].kind for name in ("nasnet_a", "nasnet_space", "nasnet")} == {
        "nasnet_a": "genotype",
        "nasnet_space": "space",
        "nasnet": "vocabulary",
    }
    assert found["nasnet_a_mobile"].kind == "network"
    # A genotype whose file says which skeleton it is for is a genotype all the same.
    assert {found[name].kind for name in ("darts_v1", "pnasnet5", "amoebanet_a")} == {"genotype"}
    assert found["nasnet_a"].description == (
        "NASNet-A (Zoph et al. 2018, Figure 4), outputs as in the released checkpoints"
    )
    out = run("list").out
    assert all(f"\n  {name} " in out for name in names)


def test_show_graph(run: Run) -> None:
    """A network, a line for each node, from flags and file; the same text as Python gives."""
    flags = ("--stem", "cifar", "--N", "1", "--filters", "96", "--image-size", "32")
    ran = run("show", "nasnet_a", "--graph", *flags)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("nasnet_a: 1 @ 96, nasnet skeleton, cifar stem, 10 classes\n")
    assert "\n    b0.left.1:          4x32x32  = depthwise(b0.left.0, 5x5)\n" in ran.out
    graph = compiled_graph("nasnet_a", stem="cifar", N=1, filters=96, image_size=32)
    assert ran.out == graph_text(graph)
    other = run("show", "nasnet_a", "--graph", *flags, "--ops", "nasnet_timm").out
    assert "avg_pool(input0.2, 3x3, count_padding)" not in ran.out
    assert other != ran.out
    assert run("show", "nasnet_a_mobile", "--graph").out.startswith("nasnet_a_mobile: 4 @ 1056, ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--graph", "--tree"], "cannot be combined"),
        (["--N", "2"], "--N describes a network; use it with --graph"),
        (["--no-auxiliary"], "--auxiliary describes a network"),
        (["--ops", "nasnet_timm", "--tree"], "--ops describes a network"),
        (["--graph", "--filters", "97"], "NAS503"),
    ],
)
def test_show_graph_refuses(run: Run, arguments: list[str], words: str) -> None:
    """Flags that would do nothing, and networks that there are none of."""
    ran = run("show", "nasnet_a", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""


def test_show(run: Run) -> None:
    """A library file as it is, vocabularies too."""
    assert run("show", "nasnet_a").out == library.source("nasnet_a").text
    assert "\nvocabulary nasnet\n" in run("show", "nasnet.cell").out


def test_explain(run: Run) -> None:
    """Title, headings, prose, indented examples, no markup, nothing invisible."""
    ran = run("explain", "nas003")
    assert ran.code == 0
    assert ran.out.startswith("NAS003: control character in the text\n\nWhat it means\n\nThe text")
    assert "\n\nExample\n\n    genotype tiny\n" in ran.out
    assert "\n\nUse instead\n\n    genotype tiny\n" in ran.out
    assert "\n\nFix safety\n\nThe fix is safe" in ran.out
    assert "```" not in ran.out
    assert "\\u200b" in ran.out


@pytest.mark.parametrize("code", CODES)
def test_explanations_fit_a_terminal(run: Run, code: str) -> None:
    """No line is longer than 80 columns, and the paragraphs are those of the text."""
    ran = run("explain", code)
    assert all(line.isprintable() and len(line) <= 80 for line in ran.out.splitlines())
    prose = [paragraph for paragraph in ran.out.split("\n\n") if paragraph[0] != " "]
    written = re.sub(r"^#+ ", "", explanation(code), flags=re.M).split("\n\n")
    for paragraph in prose:
        assert " ".join(paragraph.split()) in [" ".join(part.split()) for part in written]


def test_explain_on_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paragraphs follow the width of the terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("NO_COLOR", "1")
    prose = [line for line in run("explain", "nas201").out.splitlines() if line[:1] != " "]
    assert max(map(len, prose)) in range(40, 51)


def test_explain_lists_codes(run: Run) -> None:
    """Without a code every code is listed with its title."""
    lines = run("explain").out.splitlines()
    assert len(lines) == len(CODES)
    assert "NAS210  definition is never used (warning)" in lines


def test_doctor(run: Run) -> None:
    """Versions of what is needed, without importing torch, and a sound library."""
    ran = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ran.out)["checks"]}
    assert ran.code == 0
    assert checks["lark"]["ok"] is True
    assert checks["library"]["found"].endswith("all sound")
    assert checks["nasdsl"]["found"].startswith(nasdsl.__version__)


def test_doctor_finds_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is a finding; one that is only good to have is not."""
    needs = SimpleNamespace(requires=["no-such-package>=1", 'no-such-extra; extra == "ray"'])
    monkeypatch.setattr("nasdsl.cli.doctor.distribution", lambda: needs)
    ran = run("doctor")
    assert ran.code == 1
    assert ran.err == "broken: no-such-package\n"
    assert "no  no-such-package" in ran.out
    assert "--  no-such-extra" in ran.out
    assert ".[ray]" in ran.out
