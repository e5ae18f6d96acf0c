"""A release: its notes, and what the workflow does with them."""

import re

import pytest
import yaml

from tests.clones import ROOT
from website.changelog import main, release_notes, sections

CHANGELOG = """\
# Changelog

Words before the first version.

## Unreleased

- Not yet.

## 0.2.0 (2026-12-01)

- A page ([more](docs/more.md#part), [there](https://example.org/a), [here](#changelog)).

  ```cell
  ## a comment of a cell is not a heading of its own
  ```

## 0.1.0

- The first.
"""


def test_the_changes_of_a_version_are_its_own() -> None:
    assert list(sections(CHANGELOG)) == ["Unreleased", "0.2.0", "0.1.0"]
    assert release_notes(CHANGELOG, "0.1.0") == "- The first.\n"
    notes = release_notes(CHANGELOG, "0.2.0")
    assert notes.startswith("- A page")
    assert "not a heading" in notes
    assert "The first" not in notes
    assert "Not yet" not in notes


def test_relative_links_lead_to_the_repository() -> None:
    notes = release_notes(CHANGELOG, "0.2.0", "https://example.org/tree/v0.2.0/")
    assert "](https://example.org/tree/v0.2.0/docs/more.md#part)" in notes
    assert "](https://example.org/a)" in notes
    assert "](#changelog)" in notes


@pytest.mark.parametrize(
    ("changelog", "version", "problem"),
    [
        (CHANGELOG, "0.3.0", "no heading for 0.3.0; there are Unreleased, 0.2.0, 0.1.0"),
        ("# Changelog\n\n## 0.1.0\n\n## 0.0.1\n\n- This.\n", "0.1.0", "says nothing of 0.1.0"),
        ("## 0.1.0\n\n- This.\n\n## 0.1.0\n\n- That.\n", "0.1.0", "two headings for 0.1.0"),
    ],
)
def test_what_nobody_wrote_down_is_not_released(changelog: str, version: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        release_notes(changelog, version)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The project's own file has changes that are not released, and none of a version to come."""
    assert main(["Unreleased"]) == 0
    assert capsys.readouterr().out.startswith("- ")
    assert main(["99.0.0"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: CHANGELOG.md has no heading for 99.0.0")


def test_nothing_is_published_that_was_not_checked() -> None:
    """Publishing waits for the notes, the checks and an install on every version of Python."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    steps = "\n".join(str(step.get("run", "")) for step in jobs["build"]["steps"])
    for needed in ("website.changelog", "twine check --strict", "check-wheel-contents"):
        assert needed in steps, needed
    assert jobs["install"]["needs"] == "build"
    tested = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    pythons = tested["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert jobs["install"]["strategy"]["matrix"]["python"] == pythons
    assert "install" in jobs["publish"]["needs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "publish" in jobs["page"]["needs"]
