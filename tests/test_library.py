"""The library: the table of published networks, presets, and what is said about sources."""

import json
from pathlib import Path

import pytest

from nasdsl import library
from nasdsl.api.library_entries import library_entries
from nasdsl.library.published import models, origins, published_as, sources
from nasdsl.loading import load
from tests.cli_run import Run, runner


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(capfd, monkeypatch)


NETWORKS = [name for name in library.names() if library.base(name)]


# -- the table ---------------------------------------------------------------------------


def test_every_figure_has_a_source() -> None:
    """And no source stands there for nothing; every network and cell named is in the library."""
    used = {model.source for model in models()} | {each.source for each in origins().values()}
    assert used == set(sources())
    named = [model.network for model in models() if model.network]
    assert len(set(named)) == len(named)
    assert set(named) <= set(NETWORKS)
    genotypes = {entry.name for entry in library_entries() if entry.kind == "genotype"}
    assert set(origins()) == {name for name in genotypes if not name.startswith("example_")}


def test_accuracies_are_the_errors_that_are_printed() -> None:
    """100 % less the first figure; every network of the library has its error."""
    for model in models():
        if model.error:
            first = float(model.error.split()[0])
            assert model.accuracy == pytest.approx(100 - first, abs=1e-9), model.name
        assert model.error or not model.network


def test_models_designed_by_hand_have_their_mult_adds() -> None:
    """Tables 2 and 3 of the paper: Figure 5 shows these beside NASNet-A in both panels."""
    facts = Path(__file__).parents[2] / "shared" / "facts" / "paper_tables.md"
    if not facts.is_file():
        pytest.skip("../shared/facts/paper_tables.md is not here")
    found = {each.name: each for each in models() if each.source == "Zoph 2018"}
    tables = facts.read_text(encoding="utf-8").partition("## Table 2")[2].partition("## Table 4")[0]
    rows = [line.strip("| ").split(" | ") for line in tables.splitlines() if "M | " in line]
    by_hand = [row for row in rows if not row[0].startswith("NASNet")]
    assert len(by_hand) == 11
    for name, *_, params, mult_adds, top1, _ in by_hand:
        model = found[name.replace(" (64 x 4d)", "")]
        assert model.family == "by hand"
        assert model.params == float(params.removeprefix("about ").rstrip("M"))
        scale = 1000 if mult_adds.endswith("B") else 1
        assert model.mult_adds == float(mult_adds.replace(",", "").rstrip("MB")) * scale
        assert model.accuracy == float(top1.split()[0])


def test_what_is_known_of_a_network() -> None:
    """By its name; nothing of what is not published."""
    found = published_as("nasnet_a_large")
    assert found is not None
    assert (found.params, found.mult_adds, found.error) == (88.9, 23800, "17.3 / 3.8")
    assert published_as("amoebanet_d_large") is None


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_those_of_their_data(name: str) -> None:
    """Stem, image and classes fit what the network classifies; the comment has its figures."""
    published = published_as(name)
    if published is None:
        return
    settings = load(name).settings
    cifar = published.data == "CIFAR-10"
    assert (settings.stem, settings.classes) == (("cifar", 10) if cifar else ("imagenet", 1000))
    assert published.params is None or f"{published.params:g}M" in library.source(name).text


def test_sources_are_in_comments() -> None:
    """Every published cell says in its comment where it comes from, before anything else."""
    for name in origins():
        first = library.source(name).text.split("\ngenotype ")[0]
        assert first.startswith("# ")
        assert "et al." in first or "20" in first or "quark0" in first, name


# -- presets -----------------------------------------------------------------------------


def test_presets_of_a_genotype() -> None:
    """Those that name it; not those of a genotype whose name begins alike."""
    assert library.presets("darts_v2") == {
        "cifar": "darts_v2_cifar",
        "imagenet": "darts_v2_imagenet",
    }
    assert "darts_cifar" not in library.presets("nasnet_a")
    assert library.presets("nasnet_a_darts") == {"cifar": "nasnet_a_darts_cifar"}
    assert library.presets("nasnet_a_mobile") == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_a_preset(name: str) -> None:
    """Its name begins with its genotype's, so `--preset` finds it."""
    base = library.base(name)
    assert base is not None
    assert name in library.presets(base).values()


def test_preset_flag(run: Run) -> None:
    """A library genotype and a preset are the network of both names."""
    one = json.loads(run("cost", "pnasnet5", "--preset", "mobile", "--json").out)
    assert one["name"] == "pnasnet5_mobile"
    assert one == json.loads(run("cost", "pnasnet5_mobile", "--json").out)
    # Other flags still win.
    other = json.loads(run("cost", "gdas.cell", "--preset", "cifar", "--N", "1", "--json").out)
    assert (other["name"], other["network"]["N"]) == ("gdas_cifar", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("darts_v2", "imagnet"), "did you mean `imagenet`?"),
        (("darts_v2", "large"), "its presets are `cifar` and `imagenet`"),
        (("darts_v2_cifar", "cifar"), "has no presets"),
        (("mine.cell", "cifar"), "has no presets"),
    ],
)
def test_unknown_presets(run: Run, words: tuple[str, str], said: str) -> None:
    """An unknown preset is refused with those there are."""
    ran = run("cost", words[0], "--preset", words[1])
    assert ran.code == 2
    assert "error[NAS213]" in ran.err
    assert said in ran.err


# -- the pnasnet skeleton ----------------------------------------------------------------


def test_a_reduction_cell_that_is_ignored_is_mentioned(run: Run) -> None:
    """By flag as by file: PNASNet's skeleton stacks normal cells alone."""
    ran = run("cost", "nasnet_a", "--skeleton", "pnasnet", "--json")
    assert ran.code == 0
    assert "warning[NAS507]" in ran.err
    assert json.loads(ran.out)["network"]["skeleton"] == "pnasnet"
    assert run("cost", "pnasnet5", "--json").err == ""


# -- the command -------------------------------------------------------------------------


def test_list_as_json(run: Run) -> None:
    """Scripts get family, source, counted and published figures."""
    found = {each["name"]: each for each in json.loads(run("list", "--json").out)["entries"]}
    network = found["amoebanet_a_large"]
    assert (network["family"], network["source"]) == ("AmoebaNet", "Real 2019")
    assert (network["genotype"], network["params"]) == ("amoebanet_a", 86_718_797)
    assert network["published"]["accuracy"] == 82.8
    assert "params" not in found["amoebanet_a"]


def test_list_in_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty columns hold every line, and no figure is cut."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    out = run("list").out
    assert max(map(len, out.splitlines())) <= 80
    assert "\u2026" not in out
    assert "  pc_darts_cifar_imagenet    5.27M  571.14M" in out
