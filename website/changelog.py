"""`CHANGELOG.md` as release notes.

    python -m website.changelog 0.2.0 --tree https://github.com/OWNER/REPOSITORY/blob/v0.2.0

prints what changed in a version, for the page of its release. It fails where the file has no such
heading, so that nothing is released whose changes nobody has written down.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"

#: `## 0.2.0` or `## 0.2.0 (2026-12-01)`.
_HEADING = re.compile(r"^## +(\S+)(?: +\([0-9-]+\))? *$", re.MULTILINE)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)]+\))")


def sections(changelog: str) -> dict[str, str]:
    """The changes of each version, newest first, as the file has them.

    Raises:
        ValueError: two headings name one version.
    """
    parts = _HEADING.split(changelog)[1:]
    found: dict[str, str] = {}
    for version, changes in zip(parts[::2], parts[1::2], strict=True):
        if version in found:
            raise ValueError(f"CHANGELOG.md has two headings for {version}")
        found[version] = changes.strip()
    return found


def release_notes(changelog: str, version: str, tree: str = "") -> str:
    """What changed in a version, in Markdown.

    Args:
        changelog: the text of `CHANGELOG.md`.
        version: without the `v` of the tag.
        tree: the address of the repository's files at that version; relative links lead there.

    Raises:
        ValueError: the version has no heading, or nothing is written below it.
    """
    found = sections(changelog)
    if version not in found:
        raise ValueError(f"CHANGELOG.md has no heading for {version}; there are {', '.join(found)}")
    if not found[version]:
        raise ValueError(f"CHANGELOG.md says nothing of {version}")
    changes = found[version]
    if tree:
        changes = _LINK.sub(lambda link: f"{link[1]}{tree.rstrip('/')}/{link[2]}", changes)
    return changes + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the notes of a version; 1 where there are none."""
    parser = argparse.ArgumentParser(prog="python -m website.changelog", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--tree", default="", help="where relative links lead")
    asked = parser.parse_args(arguments)
    try:
        notes = release_notes(CHANGELOG.read_text("utf-8"), asked.version, asked.tree)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
