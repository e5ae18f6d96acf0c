"""What a client of the server can do.

Purpose: `ClientFeatures`, read once from what the client says of itself. Where it says nothing, it
can what the protocol takes for granted, which is little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types


@dataclass(frozen=True, slots=True)
class ClientFeatures:
    """Which forms of an answer a client takes, and what it does when it is asked to."""

    snippets: bool = False  # completions with places to fill in
    markdown: bool = False  # hovers in markdown
    symbol_trees: bool = False  # an outline, instead of a list of names
    related_places: bool = False  # findings that point at other places
    pulls_findings: bool = False  # it asks for findings, and is not told about them
    watches_files: bool = False  # it can be asked to tell about files that change on disk
    opens_documents: bool = False  # it opens files for the server
    #: What it asks for again when it is told to, by the method that tells it.
    refreshes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, given: types.ClientCapabilities) -> "ClientFeatures":
        """The features of what a client says of itself."""
        text, workspace = given.text_document, given.workspace
        kinds = _of(text, "hover", "content_format")
        return cls(
            snippets=bool(_of(text, "completion", "completion_item", "snippet_support")),
            # Clients of before the protocol had plain text name no forms, and show markdown.
            markdown=kinds is None or types.MarkupKind.Markdown in kinds,
            symbol_trees=bool(_of(text, "document_symbol", "hierarchical_document_symbol_support")),
            related_places=bool(_of(text, "publish_diagnostics", "related_information")),
            pulls_findings=_of(text, "diagnostic") is not None,
            watches_files=bool(_of(workspace, "did_change_watched_files", "dynamic_registration")),
            opens_documents=bool(_of(given, "window", "show_document", "support")),
            refreshes=frozenset(
                method
                for method, name in _REFRESHES.items()
                if _of(workspace, name, "refresh_support")
            ),
        )


_REFRESHES: Mapping[str, str] = {
    types.WORKSPACE_DIAGNOSTIC_REFRESH: "diagnostics",
    types.WORKSPACE_INLAY_HINT_REFRESH: "inlay_hint",
    types.WORKSPACE_CODE_LENS_REFRESH: "code_lens",
    types.WORKSPACE_SEMANTIC_TOKENS_REFRESH: "semantic_tokens",
}


def with_standard_names(params: Any) -> Any:
    """What a client says in `initialize`, its words for a feature those of the protocol.

    Helix, whose types come from a library that many clients use, says `workspace.diagnostic` where
    the protocol has `workspace.diagnostics`.
    """
    capabilities = params.get("capabilities") if isinstance(params, dict) else None
    workspace = capabilities.get("workspace") if isinstance(capabilities, dict) else None
    if isinstance(workspace, dict) and isinstance(workspace.get("diagnostic"), dict):
        workspace.setdefault("diagnostics", workspace["diagnostic"])
    return params


def _of(value: Any, *names: str) -> Any:
    """An attribute of an attribute; None where one is missing."""
    for name in names:
        value = getattr(value, name, None)
    return value
