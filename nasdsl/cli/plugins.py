"""The lines about what is installed: `nasdsl list --plugins`, and some of `nasdsl doctor`.

Purpose: plugins of every kind, with their package and its version.
Non-goals: finding them (`nasdsl.registry`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from nasdsl.metadata import NAME
from nasdsl.registry import Plugin, installed_plugins

_TITLES = {
    "datasets": "Data sets",
    "layouts": "Layouts of weights",
    "oneshot": "One-shot algorithms",
    "proxies": "Zero-cost scores",
    "searchers": "Search algorithms",
}


def title(kind: str) -> str:
    """What the plugins of a kind are called together."""
    return _TITLES.get(kind, kind.capitalize())


def members() -> list[dict[str, Any]]:
    """What scripts get."""
    return [asdict(plugin) for plugin in installed_plugins()]


def lines() -> Iterator[str]:
    """A line a plugin, by kind."""
    plugins = installed_plugins()
    width = max((len(plugin.name) for plugin in plugins), default=0)
    for kind, group in groupby(plugins, key=lambda plugin: plugin.kind):
        yield title(kind)
        for plugin in group:
            problem = f"  ({plugin.problem})" if plugin.problem else ""
            yield f"  {plugin.name:<{width}}  {plugin.package} {plugin.version}{problem}"
        yield ""


def names(plugins: Sequence[Plugin]) -> str:
    """Names on a line; what another package brings stands with it."""
    return ", ".join(
        plugin.name if plugin.package == NAME else f"{plugin.name} ({plugin.package})"
        for plugin in plugins
    )
