"""Build the site.

    python -m website.build --out build/site
    python -m website.build --playground https://example.org/play/ --repository https://...
    python -m website.build --serve

Pages are gathered and made in `build/pages`, and Zensical makes HTML of them (the dependency group
`docs`). Below every `.cell` example is a link to the playground, whose address is a setting: by
default it is the folder `play` of the site, where its files are copied if they have been built
(`make playground`); without them there are no links. The build fails for a link that leads nowhere.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from website.html_links import broken_links
from website.llms import full_text, llms_text
from website.navigation import navigation
from website.notebooks import notebook_pages
from website.pages import ROOT, site_pages, with_relative_links

#: Where the playground stands on the site; `playground` is the page about it.
PLAY = "play"
PLAYGROUND = ROOT / "playground" / "dist"
CONFIG = ROOT / "website" / "zensical.toml"


def stage(folder: Path, pages: dict[str, str], pictures: dict[str, bytes]) -> Path:
    """Write the pages and the configuration of Zensical; the configuration's path."""
    shutil.rmtree(folder, ignore_errors=True)
    docs = folder / "pages"
    for place, text in pages.items():
        path = docs / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    shutil.copytree(ROOT / "docs" / "images", docs / "images")
    for place, content in pictures.items():
        path = docs / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.copytree(ROOT / "website" / "assets", docs / "assets")
    nav = "\n".join(_nav(navigation(pages)))
    config = folder / "zensical.toml"
    config.write_text(CONFIG.read_text("utf-8").replace("#NAVIGATION\n", f"{nav}\n"), "utf-8")
    return config


def _nav(sections: dict[str, dict[str, str]]) -> list[str]:
    """The navigation in TOML: titles of sections to titles and places of their pages."""

    def quoted(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    lines = ["nav = ["]
    for section, pages in sections.items():
        entries = ", ".join(f"{{{quoted(name)} = {quoted(at)}}}" for name, at in pages.items())
        lines.append(f"  {{{quoted(section)} = [{entries}]}},")
    return [*lines, "]"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or serve; 1 where the build has problems."""
    parser = argparse.ArgumentParser(prog="python -m website.build", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder to make")
    parser.add_argument("--playground", default="", help="address of the playground")
    parser.add_argument("--repository", default="", help="address of the repository's files")
    parser.add_argument("--serve", action="store_true", help="show it on this machine instead")
    asked = parser.parse_args(arguments)
    has_playground = PLAYGROUND.is_dir()
    address = asked.playground or (PLAY if has_playground else "")
    if not address:
        print("note: no playground is built or named, so nothing links to one", file=sys.stderr)
    pages, pictures = notebook_pages()
    pages |= site_pages(address, asked.repository)
    staged = ROOT / "build" / "website"
    config = stage(staged, pages, pictures)
    command = [sys.executable, "-m", "zensical", "serve" if asked.serve else "build"]
    strict = [] if asked.serve else ["--clean", "--strict"]
    done = subprocess.run([*command, *strict, "-f", config], cwd=staged, check=False)
    if done.returncode or asked.serve:
        return done.returncode
    made = staged / "site"
    for file in made.rglob("*.html"):
        place = file.relative_to(made).as_posix()
        file.write_text(with_relative_links(file.read_text("utf-8"), place), "utf-8")
    (made / "llms.txt").write_text(llms_text(pages), "utf-8")
    whole = with_relative_links(full_text(pages), "llms-full.txt")
    (made / "llms-full.txt").write_text(whole, "utf-8")
    for place, text in pages.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        (made / place).write_text(with_relative_links(text, place), "utf-8")
    if address == PLAY:
        shutil.copytree(PLAYGROUND, made / PLAY)
    problems = broken_links(made)
    print("".join(f"error: {problem}\n" for problem in problems), end="", file=sys.stderr)
    if problems:
        return 1
    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(made, asked.out)
    print(f"{len(pages)} pages in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
