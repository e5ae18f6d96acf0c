"""The pages of the site, before they become HTML: complete, linked, and with their examples."""

import posixpath
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="notebooks are pages too")

from markdown_it import MarkdownIt

from nasdsl.errors import CODES
from nasdsl.language.genotype.settings import RULES
from nasdsl.play.link import text_of
from nasdsl.train.recipe import RECIPES
from tests.clones import ROOT
from website import pages as gathering
from website.html_links import broken_links
from website.llms import full_text, llms_text
from website.navigation import navigation
from website.notebooks import NOTEBOOKS
from website.reference import command_names

PLAY = "https://play.example/"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """All pages but those of notebooks, which `tests/test_notebooks.py` runs."""
    return gathering.site_pages(PLAY)


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown names them."""
    found: set[str] = set()
    for token in MarkdownIt().parse(text):
        if token.type == "inline" and token.level == 1 and token.map:
            line = text.splitlines()[token.map[0]]
            if line.startswith("#"):
                words = re.sub(r"[^\w\s-]", "", line.lstrip("# ").replace("`", "")).strip()
                anchor = re.sub(r"[-\s]+", "-", words.lower())
                found.add(anchor)
    return found


def links(text: str) -> Iterator[str]:
    """The relative links and pictures of a page, not those in code."""
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or ():
            address = child.attrGet("href") or child.attrGet("src")
            if address and not re.match(r"\w+:", str(address)):
                yield str(address)


def test_no_link_leads_nowhere(pages: dict[str, str]) -> None:
    """Pages, headings and pictures that are linked to are there."""
    notebooks = {f"notebooks/{path.stem}.md" for path in NOTEBOOKS.glob("*.py")}
    broken = []
    for place, text in pages.items():
        for link in links(text):
            path, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
            target = target if path else place
            if target in notebooks or (ROOT / "docs" / target).suffix not in (".md", ""):
                if target not in notebooks and not (ROOT / "docs" / target).is_file():
                    broken.append((place, link))
            elif target not in pages or (anchor and anchor not in headings(pages[target])):
                broken.append((place, link))
    assert broken == []


def test_every_page_has_its_place(pages: dict[str, str]) -> None:
    """Each is in the navigation once, or its list links to it."""
    shown = [place for section in navigation(pages).values() for place in section.values()]
    assert len(shown) == len(set(shown))
    linked = {
        posixpath.normpath(posixpath.join(posixpath.dirname(place), link.partition("#")[0]))
        for place in shown
        for link in links(pages[place])
    }
    assert pages.keys() - set(shown) - linked == set()
    titles = [title for section in navigation(pages).values() for title in section]
    assert len(titles) == len(set(titles))


def test_a_new_page_is_picked_up(pages: dict[str, str]) -> None:
    """A new document is a guide, one in the folder of the tutorials is a tutorial."""
    more = {**pages, "quite_new.md": "# Quite new\n", "tutorials/new.md": "# A new tutorial\n"}
    found = navigation(more)
    assert found["Guides"]["Quite new"] == "quite_new.md"
    assert found["Tutorials"]["A new tutorial"] == "tutorials/new.md"


def test_every_example_of_cells_opens_in_the_playground(pages: dict[str, str]) -> None:
    """The link carries the very text, and a fragment as the inside of a cell."""
    fence = re.compile(
        r'^```cell[^\n]*\n(.*?)^```\n\n<a class="playground" href="([^"]+)">', re.M | re.S
    )
    examples = 0
    for place, text in pages.items():
        blocks = len(re.findall(r"^```cell\b", text, re.M))
        linked = fence.findall(text)
        assert len(linked) == blocks, place
        for example, address in linked:
            carried = text_of(unescape(address).removeprefix(PLAY))
            assert carried is not None
            inside = "\n".join(line.removeprefix("    ") for line in carried.splitlines())
            assert carried == example or example.strip() in inside
        examples += blocks
    assert examples > 100


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("index.html", "play/#c="),
        ("language/index.html", "../play/#c="),
        ("tutorials/write/index.html", "../../play/#c="),
        ("reference/codes/index.html", "../../play/#c="),
        ("tutorials/write.md", "../play/#c="),
    ],
)
def test_a_playground_on_the_site_itself(place: str, address: str) -> None:
    """Its links are relative to the folder that a page is in, whatever makes HTML of it."""
    made = gathering._with_examples("```cell\ngenotype a\n```", "play")
    assert f'href="{address}' in gathering.with_relative_links(made, place)
    assert gathering._with_examples("```cell\ngenotype a\n```", "").endswith("```")


def test_the_reference_is_complete(pages: dict[str, str]) -> None:
    """Every command, code, setting, recipe and public name has its place."""
    assert {"check", "play", "train"} <= set(command_names())
    for name in command_names():
        assert f"nasdsl {name}" in pages[f"reference/commands/{name}.md"]
        assert f"({name}.md)" in pages["reference/commands/index.md"]
    for code in CODES:
        assert "## What it means" in pages[f"reference/codes/{code}.md"]
    for name, rule in RULES.items():
        (row,) = re.findall(rf"^\| `{name}` .*$", pages["reference/settings.md"], re.M)
        assert rule.values.help.split()[0] in row
    for name in RECIPES.names():
        assert f"`{name}`" in pages["reference/recipes.md"]
    assert "::: nasdsl.api.compile.compile" in pages["reference/python/nasdsl.md"]
    assert "nasdsl search status" in pages["reference/commands/search.md"]
    assert "`--window" in pages["reference/commands/search.md"]


def test_pages_for_programs(pages: dict[str, str]) -> None:
    """`llms.txt` names every page of the navigation; the other text has them all."""
    listed, everything = llms_text(pages), full_text(pages)
    assert listed.startswith("# nasdsl\n\n> ")
    for section in navigation(pages).values():
        for place in section.values():
            assert f"]({place})" in listed
            assert pages[place].strip() in everything


def test_headings_of_a_site_behind_a_link(tmp_path: Path) -> None:
    """Where a folder of the path is a link, links to headings are looked at, too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "a.html").write_text('<a href="b.html#gone"></a><a href="#gone"></a>')
    (tmp_path / "real" / "b.html").write_text("")
    assert broken_links(tmp_path / "link") == [
        "a.html: '#gone' leads nowhere",
        "a.html: 'b.html#gone' leads nowhere",
    ]


def test_links_of_built_pages(tmp_path: Path) -> None:
    """What a page links to is there, or is named."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text(
        '<h2 id="here"></h2><a href="#here"></a><a href="#gone"></a><a href="../b/"></a>'
        '<a href="https://example.org/x"></a><img src="../no.svg"><a href="/a/#here"></a>'
    )
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<a href="../a/#here"></a><a href="../a/#no">')
    assert broken_links(tmp_path) == [
        "a/index.html: '#gone' leads nowhere",
        "a/index.html: '../no.svg' leads nowhere",
        "b/index.html: '../a/#no' leads nowhere",
    ]
