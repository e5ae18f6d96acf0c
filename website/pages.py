"""The pages of the site, as Markdown at the place where each will stand.

Purpose: every document of the repository and every page that is made from the code, with links
that lead to each other, and with a link to the playground below each `.cell` example.
Non-goals: HTML, which Zensical makes (`build`); the content of made pages (`reference`).
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from nasdsl.errors import CODES
from nasdsl.play.link import fragment
from website.reference import reference_pages

ROOT = Path(__file__).parent.parent
#: Documents outside `docs/`, and where they stand on the site.
DOCUMENTS = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "design.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}

#: What an address from the site's root begins with, until it is known where its page stands.
ON_SITE = "site:"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def site_pages(playground: str = "", repository: str = "") -> dict[str, str]:
    """The Markdown of every page by its place.

    Args:
        playground: the address of the playground, which may be relative to the site's root; no
            links lead there where it is empty.
        repository: the address of the repository's files, for links to what is no page; they are
            plain text where it is empty.
    """
    places = {path: place for path, place in DOCUMENTS.items() if (ROOT / path).is_file()}
    docs = ROOT / "docs"
    places |= {
        path.relative_to(ROOT).as_posix(): path.relative_to(docs).as_posix()
        for path in sorted(docs.rglob("*.md"))
    }
    codes = {
        f"nasdsl/errors/explanations/{code}.md": f"reference/codes/{code}.md" for code in CODES
    }
    found = {
        place: _moved((ROOT / path).read_text("utf-8"), path, codes | places, repository)
        for path, place in places.items()
    }
    found |= reference_pages()
    return {place: _with_examples(text, playground) for place, text in found.items()}


def example_text(info: str, text: str) -> str:
    """A `.cell` example as a whole file: a `fragment` is the inside of a cell."""
    if "fragment" in info.split():
        inside = "".join(f"    {line}\n" for line in text.splitlines())
        return f"ops nasnet\n\ncell normal {{\n{inside}}}\n"
    return text


def with_relative_links(text: str, place: str) -> str:
    """The text of a file of the site, its addresses from the site's root relative to its folder.

    Args:
        text: HTML or markdown in which such addresses begin with `ON_SITE`.
        place: where the file stands, as `language/index.html`.
    """
    up = "../" * place.count("/")
    return text.replace(f'href="{ON_SITE}', f'href="{up}')


def _with_examples(text: str, playground: str) -> str:
    """The text with plain fences, and a link below each that has cells."""

    def fence(match: re.Match[str]) -> str:
        language, info, content = match.groups()
        title = re.search(r'title="[^"]*"', info)
        block = f"```{language}{f' {title[0]}' if title else ''}\n{content}```"
        if language != "cell" or not playground:
            return block
        is_on_site = not re.match(r"\w+:|/", playground)
        address = f"{ON_SITE}{playground}/" if is_on_site else playground
        link = f"{address}{fragment(example_text(info, content))}"
        return f'{block}\n\n<a class="playground" href="{link}">Open in the playground</a>'

    return _FENCE.sub(fence, text)


def _moved(text: str, path: str, places: Mapping[str, str], repository: str) -> str:
    """The text with its links as they are at its new place; those in code stay."""

    def link(match: re.Match[str]) -> str:
        image, words, target, anchor = match.groups()
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        here = posixpath.dirname(places[path])
        if wanted in places:
            found = posixpath.relpath(places[wanted], here or ".")
        elif wanted.startswith("docs/"):
            found = posixpath.relpath(wanted.removeprefix("docs/"), here or ".")
        elif repository:
            found = f"{repository.rstrip('/')}/{wanted}"
        else:
            return words
        return f"{image}[{words}]({found}{anchor or ''})"

    parts = re.split(r"(^```.*?^```$|`[^`\n]+`(?!\]))", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if index % 2 else _LINK.sub(link, part) for index, part in enumerate(parts))


def title_of(text: str) -> str:
    """The first heading of a page, without its marks."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "") if found else ""


def first_sentence(text: str) -> str:
    """What a page says first, for lists of pages."""
    for paragraph in re.split(r"\n\s*\n", text):
        words = " ".join(paragraph.split())
        if words and words[0] not in "#`|!<-:" and not paragraph.startswith("    "):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words)
            return re.split(r"(?<=[.:])\s", plain)[0].rstrip(":")
    return ""
