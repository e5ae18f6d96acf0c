"""`llms.txt`: the pages for programs that read text (https://llmstxt.org), and all of them in one.

Each page is also on the site as Markdown, under its place.
"""

from collections.abc import Mapping

from website.navigation import navigation
from website.pages import first_sentence

_SUMMARY = (
    "nasdsl is a language and a compiler for neural architecture cells. A `.cell` file describes "
    "the cells of a network or a space of cells; nasdsl checks, formats, draws and counts it, "
    "compiles it to PyTorch, trains it, and searches spaces."
)


def llms_text(pages: Mapping[str, str]) -> str:
    """The list of the pages by section, each with its first sentence."""
    parts = ["# nasdsl", f"> {_SUMMARY}"]
    for section, places in navigation(pages).items():
        lines = []
        for title, place in places.items():
            says = first_sentence(pages[place])
            lines.append(f"- [{title}]({place}){f': {says}' if says else ''}")
        if lines:
            parts += [f"## {section}", "\n".join(lines)]
    parts += [
        "## Optional",
        "- [Everything](llms-full.txt): all pages of the navigation in one text",
    ]
    return "\n\n".join(parts) + "\n"


def full_text(pages: Mapping[str, str]) -> str:
    """The pages of the navigation, one after another."""
    places = [place for each in navigation(pages).values() for place in each.values()]
    return "\n\n".join(f"<!-- {place} -->\n\n{pages[place].strip()}" for place in places) + "\n"
