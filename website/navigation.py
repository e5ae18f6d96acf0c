"""Which page stands where: sections, and the order of their pages.

A new page needs no entry: one in a folder of `docs/` belongs to the folder's section, and any
other is a guide. Entries here only say what comes first.
"""

from collections.abc import Mapping
from fnmatch import fnmatch

from website.pages import title_of

#: Titles of sections to places of pages; a pattern stands for the pages that no earlier one took,
#: by their titles. Pages of codes, commands and modules are reached through their lists.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start here": ("index.md", "start.md", "playground.md"),
    "Tutorials": (
        "tutorials/write_a_cell.md",
        "tutorials/nasnet_a.md",
        "tutorials/your_data.md",
        "tutorials/your_darts_genotype.md",
        "tutorials/deploy.md",
        "tutorials/extend.md",
        "tutorials/*",
        "notebooks/*",
    ),
    "How to": ("how_to/*",),
    "Guides": ("*",),
    "Reference": (
        "language.md",
        "library.md",
        "reference/commands/index.md",
        "reference/codes/index.md",
        "reference/settings.md",
        "reference/recipes.md",
        "reference/parts.md",
        "reference/python/index.md",
        "reference/*",
    ),
    "Explanation": (
        "design.md",
        "canonical_form.md",
        "reliability.md",
        "scale.md",
        "search_quality.md",
        "paper_in_small.md",
        "benchmarks.md",
        "training-speed.md",
    ),
    "Project": ("contributing.md", "changelog.md", "security.md"),
}
#: Pages that their list leads to.
_LISTED = ("reference/commands/", "reference/codes/", "reference/python/")
#: The section of everything that no other names.
_REST = "*"


def navigation(pages: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Titles and places of the pages of each section, in order."""
    left = [
        place
        for place in pages
        if not (place.startswith(_LISTED) and not place.endswith("index.md"))
    ]
    named = {place for places in SECTIONS.values() for place in places if "*" not in place}
    patterns = {place for places in SECTIONS.values() for place in places if "*" in place[1:]}
    found: dict[str, dict[str, str]] = {}
    for section, places in SECTIONS.items():
        here: list[str] = []
        for wanted in places:
            if wanted == _REST:
                here += sorted(
                    (
                        place
                        for place in left
                        if place not in named and not any(fnmatch(place, each) for each in patterns)
                    ),
                    key=lambda place: title_of(pages[place]).lower(),
                )
            elif "*" in wanted:
                here += [
                    place
                    for place in sorted(left)
                    if fnmatch(place, wanted) and place not in named and place not in here
                ]
            elif wanted in left:
                here.append(wanted)
        if here:
            found[section] = {title_of(pages[place]) or place: place for place in here}
    return found
