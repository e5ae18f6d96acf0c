"""Links of a built site that lead nowhere."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: The pages themselves may lie anywhere, so their own address is not known.
_OUTSIDE = ("http", "https", "mailto", "data", "javascript")


class _Page(HTMLParser):
    """The names within a page, and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect `id`, `href` and `src`."""
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.names.add(value)
            elif value and (tag, name) in (("a", "href"), ("img", "src"), ("script", "src")):
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """A line for each link of a page of the site to a file or a heading that is not there."""
    site = site.resolve()
    pages = {path: _Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    return sorted(
        {
            f"{path.relative_to(site)}: {link!r:.120} leads nowhere"
            for path, page in pages.items()
            # What the server answers for a page that is not there may be anywhere.
            if path.name != "404.html" and path.relative_to(site).parts[0] != "play"
            for link in _broken(path, page, pages, site)
        }
    )


def _broken(path: Path, page: _Page, pages: dict[Path, _Page], site: Path) -> Iterator[str]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme in _OUTSIDE or parts.netloc:
            continue
        base = site if parts.path.startswith("/") else path.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        fragment = unquote(parts.fragment)
        if not target.is_file() or (
            fragment
            and target in pages
            and target.relative_to(site).parts[0] != "play"
            and fragment not in pages[target].names
        ):
            yield link
