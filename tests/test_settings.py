"""The one table of network settings, and what is made from it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

import nasdsl
from bench import settings as written
from nasdsl.errors import CellError
from nasdsl.language.genotype.keywords import SettingsKeywords
from nasdsl.language.genotype.settings import ALTERNATIVES, RULES, Settings
from nasdsl.language.genotype.text import genotype_text
from tests.cli_run import Run, runner

DARTS = """\
genotype mine

network {
    genotype = darts_v2
    skeleton = darts
    stem     = cifar
    N        = 2
    filters  = 64
}
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("cost", "mine.cell")` in a folder with that file."""
    monkeypatch.chdir(tmp_path)
    Path("mine.cell").write_text(DARTS)
    return runner(capfd, monkeypatch)


# -- what is made from the table ----------------------------------------------------------


def test_the_page_has_every_setting() -> None:
    """`python -m bench.settings` would change nothing in `docs/language.md`."""
    text = written.PAGE.read_text("utf-8")
    assert text.count("| setting |") == 1
    assert written.page(text) == text
    assert all(f"| `{name}` |" in text for name in RULES)


def test_the_schema_has_every_setting() -> None:
    """Nor in the JSON schema, which takes what the language takes."""
    text = written.SCHEMA.read_text("utf-8")
    assert written.schema(text) == text
    assert list(written.network_schema()["properties"]) == list(RULES)


def values(name: str) -> Iterator[object]:
    """Values at and beyond the ends of what a setting takes."""
    rule = RULES[name]
    if rule.type in (int, float):
        step = 1 if rule.type is int else 1e-13
        for end in (rule.values.minimum, rule.values.maximum):
            yield from (end, end - step, end + step)
    yield from (True, "word", 0, 0.5, 7)


@pytest.mark.parametrize("name", RULES)
def test_the_schema_takes_what_the_language_takes(name: str) -> None:
    """Each legal value, and no illegal number."""
    jsonschema = pytest.importorskip("jsonschema")
    one = jsonschema.Draft202012Validator(written.network_schema()["properties"][name])
    rule = RULES[name]
    for value in values(name):
        legal = rule.legal(value) is not None
        if rule.type is not str:
            assert one.is_valid(value) == (legal and not isinstance(value, str)), value


def test_flags_and_their_completion(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has a flag with the table's words, and shells complete what is installed."""
    help = " ".join(run("compile", "--help").out.split())
    for name, rule in RULES.items():
        assert re.search(rf"--(\[no-\])?{name.replace('_', '-')}\b", help)
        # What may be chosen follows the sentence where its full stop is.
        assert rule.sentence.removesuffix(".") in help
    monkeypatch.setenv("_NASDSL_COMPLETE", "bash_complete")
    for words, expected in (
        ("nasdsl cost mine.cell --skeleton ", [*RULES["skeleton"].words]),
        ("nasdsl cost mine.cell --stem ", ["cifar", "imagenet"]),
        ("nasdsl cost mine.cell --cell", ["--cell-filters"]),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
        found = [line.partition(",")[2] for line in run().out.splitlines()]
        assert found == expected


# -- settings that say the same in two ways -------------------------------------------------


def test_layers_and_cell_filters(run: Run) -> None:
    """In a text, by flag and from Python; the later word takes the place of the earlier."""
    ran = run("cost", "mine.cell", "--layers", "9", "--cell-filters", "36", "--json")
    found = json.loads(ran.out)
    assert found["params"] == 1_184_050
    network = found["network"]
    assert (network["layers"], network["N"]) == (9, None)
    assert (network["cell_filters"], network["filters"]) == (36, 576)
    text = DARTS.replace("N        = 2", "layers   = 9").replace(
        "filters  = 64", "cell_filters = 36"
    )
    assert nasdsl.cost(nasdsl.loads(text)).params == 1_184_050
    assert nasdsl.cost("mine.cell", layers=9, cell_filters=36).params == 1_184_050
    again = json.loads(run("cost", "-", "--N", "2", "--filters", "64", "--json", stdin=text).out)
    assert again["network"] == json.loads(run("cost", "mine.cell", "--json").out)["network"]
    assert "layers" not in again["network"]
    assert "9 layers @ 576" in run("cost", "-", stdin=text).out
    assert genotype_text(nasdsl.loads(text)) == genotype_text(
        nasdsl.loads(genotype_text(nasdsl.loads(text)))
    )


@pytest.mark.parametrize("pair", ALTERNATIVES)
def test_two_that_say_the_same(run: Run, pair: tuple[str, str]) -> None:
    """One diagnostic, whichever way both were given."""
    one, other = pair
    lines = f"    {other} = 8\n    {one} = 8\n}}"
    text = DARTS.replace("    N        = 2\n    filters  = 64\n}", lines)
    ran = run("check", "-", stdin=text)
    assert ran.code == 1
    assert ran.out.count("error[") == 1
    assert f"`{one}` and `{other}` both say how" in ran.out
    assert "first said here" in ran.out
    flags = [word for name in pair for word in (f"--{name.replace('_', '-')}", "8")]
    ran = run("cost", "mine.cell", *flags)
    assert (ran.code, ran.err.count("error["), "NAS505" in ran.err) == (2, 1, True)
    with pytest.raises(CellError) as caught:
        nasdsl.cost("mine.cell", **dict.fromkeys(pair, 8))
    assert [found.code for found in caught.value.diagnostics] == ["NAS505"]


def test_override_takes_the_place() -> None:
    """What wins leaves nothing behind that says the same."""
    settings = Settings(N=6, filters=576, classes=7)
    other = Settings(layers=9, cell_filters=36)
    assert settings.override(other) == Settings(layers=9, cell_filters=36, classes=7)
    assert settings.override(other).override(settings) == settings


def test_where_layers_do_not_apply(run: Run) -> None:
    """Other skeletons are described by N, and the message says so."""
    ran = run("cost", "nasnet_a", "--layers", "20")
    assert ran.code == 2
    assert "layers does not apply to the nasnet skeleton" in ran.err
    assert "N says how many normal cells" in ran.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cell-filters", "3"], "cell_filters: 3 is too small; 4 is the smallest legal number"),
        (["--cell-filters", "100000"], "cell_filters: 100000 is too large"),
    ],
)
def test_cell_filters_at_the_ends(run: Run, flags: list[str], message: str) -> None:
    """Too narrow for the stem's cells, or wider than any layer may be."""
    ran = run("cost", "nasnet_a", *flags)
    assert ran.code == 2
    assert message in ran.err


def test_cell_filters_that_round(run: Run) -> None:
    """Where several first cells have one penultimate layer, a written text keeps which it is."""
    from nasdsl.network import network_graph
    from nasdsl.network.self_contained import network_text

    text = """\
genotype narrow
ops nasnet
combine squeeze = [concat, relu, conv(1x1, filters/64), batch_norm]
cell normal { b = (h[i], h[i-1], identity, identity, squeeze) }
cell reduction { b = (h[i], h[i-1], max_pool_3x3, identity, add) }
network { stem = cifar N = 1 cell_filters = 65 }
"""
    graph = network_graph(nasdsl.loads(text))
    assert graph.configuration.cell_filters == 65
    assert network_graph(nasdsl.loads(network_text(graph))) == graph


# -- words of other tools -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "flag", "ours"),
    [
        ("train mine.cell --out new", "--epochs", "--set epochs=..."),
        ("train mine.cell --out new", "--batch-size", "--set batch=..."),
        ("search finish s.db", "--learning-rate", "--set lr=..."),
        ("search mine.cell", "--epochs", "--evaluator 'train?epochs=...'"),
        ("search mine.cell", "--set", "--evaluator 'train?KEY=...'"),
        ("search mine.cell", "--recipe", "--evaluator 'train?recipe=...'"),
        ("search mine.cell", "--N", "--evaluator 'train?N=...'"),
        ("search mine.cell", "--init-channels", "--evaluator 'train?cell_filters=...'"),
    ],
)
def test_flags_of_other_commands_and_tools(run: Run, command: str, flag: str, ours: str) -> None:
    """Whoever types what another command or tool takes is told how this one is told the same."""
    ran = run(*command.split(), flag, "3")
    assert (ran.code, ran.out) == (2, "")
    assert f"No such option {flag!r}. Did you mean {ours!r}?" in ran.err


def test_words_of_darts_lead_to_ours(run: Run) -> None:
    """`--layers 20 --init-channels 36`, as DARTS users type it, and what they assign."""
    for word in ("--init-channels", "--init_channels"):
        ran = run("cost", "mine.cell", "--layers", "20", word, "36")
        assert ran.code == 2
        assert f"No such option {word!r}. Did you mean '--cell-filters'?" in ran.err
    ran = run("check", "-", stdin=DARTS.replace("filters  = 64", "init_channels = 36"))
    assert "did you mean `cell_filters`?" in ran.out
    for function in (nasdsl.cost, nasdsl.compile):
        with pytest.raises(CellError) as caught:
            function("mine.cell", init_channels=36)
        assert caught.value.diagnostics[0].hints == ("did you mean `cell_filters`?",)


# -- type checkers ------------------------------------------------------------------------


def test_keywords_for_type_checkers_are_the_settings() -> None:
    """The same names in the same order, of the same types."""
    assert list(SettingsKeywords.__annotations__) == list(RULES)
    types = {name: rule.type | None for name, rule in RULES.items()}
    assert get_type_hints(SettingsKeywords) == types


TYPED = """\
import nasdsl

nasdsl.cost("nasnet_a", N=1, filters=24, stem="cifar")
nasdsl.compile("nasnet_a", N=1, seed=0, device="cpu", drop_path_mode="plain")
nasdsl.compile("nasnet_a", backend="mine", option=3)
nasdsl.prove("nasnet_a", N=1)
nasdsl.cost("nasnet_a", filterz=3)
nasdsl.compile("nasnet_a", filterz=3)
nasdsl.prove("nasnet_a", filterz=3)
nasdsl.cost("nasnet_a", N="1")
"""
#: The modules that `TYPED` is about; what they import besides is not read, which takes long.
TYPED_MODULES = (
    *("nasdsl", "nasdsl.api.request", "nasdsl.api.compile", "nasdsl.api.proof"),
    *("nasdsl.language.genotype.keywords", "nasdsl.language.genotype.types", "nasdsl.loading"),
)


def test_a_type_checker_finds_a_misspelt_setting(tmp_path: Path) -> None:
    """`filterz=3` fails mypy in each of the functions that take settings."""
    api = pytest.importorskip("mypy.api", reason="mypy is not a requirement of the tests")
    root = Path(nasdsl.__file__).parents[1]
    Path(tmp_path / "typed.py").write_text(TYPED)
    Path(tmp_path / "mypy.ini").write_text(
        f"[mypy]\nmypy_path = {root}\nexplicit_package_bases = True\nfollow_imports = skip\n"
        f"[mypy-{','.join(TYPED_MODULES)}]\nfollow_imports = silent\n"
    )
    found, problem, code = api.run(
        [f"--config-file={tmp_path}/mypy.ini", "--cache-dir=/dev/null", f"{tmp_path}/typed.py"]
    )
    errors = [line.partition("typed.py:")[2] for line in found.splitlines() if ": error:" in line]
    assert (code, problem) == (1, "")
    assert [error.partition(":")[0] for error in errors] == ["7", "8", "9", "10"]
    assert 'Unexpected keyword argument "filterz" for "cost"' in errors[0]


def test_genotypes_spaces_and_costs_are_read_as_text() -> None:
    """`str` of cells is a text that reads back; that of a cost is what `nasdsl cost` prints."""
    genotype, space = nasdsl.load("darts_v2"), nasdsl.load_space("enas_space")
    assert nasdsl.loads(str(genotype)) == genotype
    assert nasdsl.loads_space(str(space)) == space


def test_a_cost_shows_its_tables(run: Run) -> None:
    """As text, and as HTML in notebooks."""
    counted = nasdsl.cost("darts_v2", N=1, filters=64, stem="cifar")
    printed = run("cost", "darts_v2", "--N", "1", "--filters", "64", "--stem", "cifar").out
    lines = [line.rstrip() for line in printed.splitlines()]
    # Below the heading, which names the network.
    assert [line for line in str(counted).splitlines() if line] == [
        line for line in lines[2:] if line
    ]
    assert f"{counted.params:,}" in str(counted)
    html = counted._repr_html_()
    assert html.startswith("<pre")
    assert f"{counted.params:,}" in html
    assert "sep_conv_3x3" in html
