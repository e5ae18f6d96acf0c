"""The server: its connection, its texts, and the thread that answers.

Purpose: `CellServer`. Messages are read in one thread and answered in another, one at a time, so
that a long answer never keeps a cancellation or an edit from being read.
Non-goals: the answers (`nasdsl.lsp.features`, `nasdsl.lsp.commands`).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import RULES, Settings
from nasdsl.lsp import convert
from nasdsl.lsp.client import ClientFeatures, with_standard_names
from nasdsl.lsp.documents import Documents
from nasdsl.version import __version__

T = TypeVar("T")

#: After an edit, findings wait this long (in seconds) for another one.
PAUSE = 0.05
_REQUEST_FAILED = -32803
_log = logging.getLogger(__name__)


class _Protocol(LanguageServerProtocol):
    """pygls's protocol, whose texts are kept elsewhere and which answers malformed requests."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_OPEN](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE](params)

    def structure_message(self, data: Any) -> Any:
        """A message as an object; where it is malformed, the error that answers it is raised."""
        if "jsonrpc" not in data:
            return data
        if data.get("method") == types.INITIALIZE:
            data = {**data, "params": with_standard_names(data.get("params"))}
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" not in data:
                self._fail(data.get("id"), error)
                raise _Malformed(
                    None, "the result is of another type than the protocol's"
                ) from None
            method = str(data["method"])[:100]
            raise _Malformed(data.get("id"), f"the parameters of {method!r} are wrong") from None

    def _fail(self, id: Any, error: JsonRpcException) -> None:
        """Tell whoever waits for a client's answer that it cannot be read."""
        future = self._request_futures.pop(id, None) if isinstance(id, int | str) else None
        if future is not None:
            future.set_exception(error)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """End the session; whoever still waits for the client, waits no longer."""
        # pygls changes the table of those while it goes through it.
        for id, future in tuple(self._request_futures.items()):
            if id != self.msg_id and not future.done():
                future.cancel()
        self._shutdown = True
        yield from ()

    def handle_message(self, message: Any) -> None:
        """Answer a message; one that cannot be handled is answered with an error."""
        if not hasattr(message, "jsonrpc"):
            raise JsonRpcInvalidRequest("a message is an object with `jsonrpc`")
        is_request = hasattr(message, "method") and hasattr(message, "id")
        if is_request and self._shutdown:
            self._refuse(message.id, JsonRpcInvalidRequest("the server is shutting down"))
        elif is_request and self._workspace is None and message.method != types.INITIALIZE:
            self._refuse(message.id, JsonRpcServerNotInitialized("`initialize` comes first"))
        else:
            super().handle_message(message)

    def _refuse(self, id: Any, error: JsonRpcException) -> None:
        self._send_data(
            {"jsonrpc": "2.0", "id": id, "error": {"code": error.code, "message": error.message}}
        )

    def refuse(self, error: Exception) -> None:
        """Answer something that could not be read as a message."""
        if isinstance(error, _Malformed):
            if error.id is not None:
                self._refuse(error.id, JsonRpcInvalidParams(str(error)))
        elif isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            self._refuse(None, JsonRpcParseError("the message is not JSON"))
        elif isinstance(error, JsonRpcException):
            self._refuse(None, error)
        else:
            self._refuse(None, JsonRpcInvalidRequest(f"{type(error).__name__}"))


class _Malformed(Exception):
    """A request or a notification whose parameters are of other types than the protocol's."""

    def __init__(self, id: Any, message: str) -> None:
        super().__init__(message)
        self.id = id if isinstance(id, int | str) else None


class CellServer(LanguageServer):
    """The language server of `.cell` files."""

    def __init__(self) -> None:
        super().__init__(
            "nasdsl",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=_Protocol,
        )
        self.documents = Documents()
        self.client = ClientFeatures()
        self.client_shows = False
        self._worker = ThreadPoolExecutor(1, "nasdsl-answers")
        self._reports: dict[str, asyncio.Task[None]] = {}
        self._refresh: asyncio.Task[None] | None = None

    # -- the client ------------------------------------------------------------------------

    def begin(self, params: types.InitializeParams) -> None:
        """Take what the client says of itself."""
        self.client = ClientFeatures.of(params.capabilities)
        self.documents.encoding = ServerCapabilitiesBuilder.choose_position_encoding(
            params.capabilities
        )
        options = params.initialization_options
        if isinstance(options, Mapping):
            self.client_shows = options.get("shows") is True
        self.configure(options)

    def configure(self, options: Any) -> None:
        """Take settings: `{"network": {"N": 6, ...}}`, perhaps under `nasdsl`."""
        options = options if isinstance(options, Mapping) else {}
        options = options.get("nasdsl", options)
        network = options.get("network") if isinstance(options, Mapping) else None
        values = {}
        for name, value in network.items() if isinstance(network, Mapping) else ():
            legal = RULES[name].legal(value) if name in RULES else None
            if legal is None:
                text = f"nasdsl: the network setting {str(name)[:40]!r} is unknown or illegal"
                self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))
            else:
                values[name] = legal
        self.documents.configure(Settings(**values))
        if self.documents.uris:
            self.report("", self.documents.uris)

    async def watch_files(self) -> None:
        """Ask the client to tell about files that change on disk, where it can."""
        if not self.client.watches_files:
            return
        watcher = types.FileSystemWatcher("**/*.cell")
        await self.client_register_capability_async(
            types.RegistrationParams(
                [
                    types.Registration(
                        "nasdsl-files",
                        types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                        types.DidChangeWatchedFilesRegistrationOptions([watcher]),
                    )
                ]
            )
        )

    async def opened(self, uri: str) -> bool:
        """Have the client open a file; whether it did."""
        if not self.client.opens_documents:
            return False
        asked = types.ShowDocumentParams(uri, external=True)
        try:
            shown = await self.window_show_document_async(asked)
        except JsonRpcException:
            return False
        return shown.success

    # -- answers ---------------------------------------------------------------------------

    async def ask(self, uri: str, answer: Callable[[str], T]) -> T:
        """What `answer` says about a text, worked out in the answering thread.

        Raises:
            JsonRpcException: the text is not open and cannot be read.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, answer, uri)
        except CellError as error:
            raise JsonRpcException(error.diagnostics[0].message, _REQUEST_FAILED) from None

    def findings(self, uri: str) -> list[types.Diagnostic]:
        """The findings about a text."""
        document, lines = self.documents.document(uri), self.documents.lines(uri)
        related = self.client.related_places
        return [
            convert.diagnostic(found, uri, lines, related=related) for found in document.diagnostics
        ]

    # -- findings --------------------------------------------------------------------------

    def report(self, changed: str, concerned: tuple[str, ...]) -> None:
        """Tell the client about findings that may have changed, when it stops typing.

        Args:
            changed: the text that has changed.
            concerned: the texts whose findings may be others now.
        """
        is_waiting = self._refresh is not None and not self._refresh.done()
        if not is_waiting and any(uri != changed for uri in concerned):
            self._refresh = asyncio.ensure_future(self._refreshed())
        if self.client.pulls_findings:
            return
        for uri in concerned:
            self._stop(uri)
            self._reports[uri] = asyncio.ensure_future(self._published(uri))

    def forget(self, uri: str) -> None:
        """Take back the findings about a text that is closed."""
        self._stop(uri)
        if not self.client.pulls_findings:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def _stop(self, uri: str) -> None:
        task = self._reports.pop(uri, None)
        if task is not None:
            task.cancel()

    async def _published(self, uri: str) -> None:
        await asyncio.sleep(PAUSE)
        version = self.documents.version(uri)
        items = await self.ask(uri, self.findings)
        # An edit in the meantime has cancelled this task, and starts another.
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, items, version))
        self._reports.pop(uri, None)

    async def _refreshed(self) -> None:
        """Have the client ask again about texts that are not the one being edited."""
        await asyncio.sleep(PAUSE)
        for method in sorted(self.client.refreshes):
            # Nothing waits for the answer, which says nothing, and may never come.
            self.protocol.send_request(method)

    # -- the connection --------------------------------------------------------------------

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Answer what could not be read; everything else is logged."""
        _log.debug("%s: %s", source, error)
        if source is JsonRpcException and isinstance(self.protocol, _Protocol):
            self.protocol.refuse(error)

    def shutdown(self) -> None:
        """End without waiting for the thread that reads: it ends with its input."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        self.thread_pool.shutdown(wait=False, cancel_futures=True)
        self._thread_pool = None  # or pygls would wait for it
        super().shutdown()  # type: ignore[no-untyped-call]

    @property
    def exit_code(self) -> int:
        """0 where the client has ended the session as the protocol wants it, else 1."""
        return 0 if self.protocol._shutdown else 1
