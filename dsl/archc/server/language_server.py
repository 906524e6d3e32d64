"""`archc lsp`: messages in, messages out. What they say is found out by `archc.editor`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from archc import __version__
from archc.editor.legend import KINDS, MODIFIERS
from archc.server.documents import OpenTexts
from archc.server.publishing import Publisher

_TRIGGERS = ["@", "(", ",", "=", '"', "/", " "]
_KINDS_OF_ACTION = [
    types.CodeActionKind.QuickFix,
    types.CodeActionKind.RefactorExtract,
    types.CodeActionKind.RefactorInline,
    types.CodeActionKind.RefactorRewrite,
    types.CodeActionKind.SourceFixAll,
]

# Which function of `archc.server.requests` answers what, and what a client is told of it.
_REQUESTS: tuple[tuple[str, str, object], ...] = (
    (types.TEXT_DOCUMENT_INLAY_HINT, "hints", None),
    (types.TEXT_DOCUMENT_CODE_LENS, "lenses", None),
    (
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        "colours",
        types.SemanticTokensLegend([*KINDS], [*MODIFIERS]),
    ),
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, "symbols", None),
    (types.TEXT_DOCUMENT_FOLDING_RANGE, "folds", None),
    (types.TEXT_DOCUMENT_HOVER, "hover", None),
    (
        types.TEXT_DOCUMENT_COMPLETION,
        "complete",
        types.CompletionOptions(trigger_characters=_TRIGGERS),
    ),
    (
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        "signature",
        types.SignatureHelpOptions(trigger_characters=["(", ","]),
    ),
    (types.TEXT_DOCUMENT_DEFINITION, "definition", None),
    (types.TEXT_DOCUMENT_REFERENCES, "references", None),
    (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, "highlights", None),
    (types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY, "prepare_calls", None),
    (types.CALL_HIERARCHY_INCOMING_CALLS, "incoming_calls", None),
    (types.CALL_HIERARCHY_OUTGOING_CALLS, "outgoing_calls", None),
    (types.TEXT_DOCUMENT_CODE_ACTION, "actions", types.CodeActionOptions(_KINDS_OF_ACTION)),
    (types.TEXT_DOCUMENT_FORMATTING, "format", None),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, "prepare_rename", None),
    (types.TEXT_DOCUMENT_RENAME, "rename", types.RenameOptions(prepare_provider=True)),
)


REPORT_COMMANDS = (
    "build",
    "compare",
    "diagram",
    "explain",
    "fit",
    "summary",
)  # of archc.editor.reports


def serve() -> None:
    """Speak the protocol over standard input and output until the client ends it."""
    client, sys.stdout = sys.stdout, sys.stderr  # what prints by mistake must not reach the client
    make_server().start_io(cast("BinaryIO", sys.stdin.buffer), cast("BinaryIO", client.buffer))


def make_server() -> LanguageServer:
    """Return a server with all features, and no text open."""
    server = LanguageServer("archc", __version__, types.TextDocumentSyncKind.Full)
    texts = OpenTexts(say=lambda text: _warn(server, text))
    _add_lifecycle(server, texts)
    publisher = Publisher(
        texts, server.text_document_publish_diagnostics, lambda: _refresh_hints(server)
    )
    _add_texts(server, texts, publisher)
    for method, name, options in _REQUESTS:
        server.feature(method, options)(_answer(name, texts))
    for name in REPORT_COMMANDS:
        server.command(f"archc.{name}")(_report(server, name, texts))
    server.command("archc.view")(_view(texts))
    return server


def _answer(name: str, texts: OpenTexts) -> Callable[[Any], Awaitable[Any]]:
    """The function of that name, for the texts that are open."""

    async def answer(params: Any) -> Any:
        return await getattr(import_module("archc.server.requests"), name)(texts, params)

    return answer


def _report(server: LanguageServer, name: str, texts: OpenTexts) -> Callable[..., Awaitable[Any]]:
    """The command that writes a report."""

    async def run(*arguments: Any) -> Any:
        commands = import_module("archc.server.commands")
        return await commands.run_command(server, texts, name, arguments)

    return run


def _view(texts: OpenTexts) -> Callable[..., Awaitable[Any]]:
    """The command that tells what an editor shows beside a text."""

    async def run(*arguments: Any) -> Any:
        commands = import_module("archc.server.commands")
        return await commands.run_view(texts, arguments)

    return run


def _add_lifecycle(server: LanguageServer, texts: OpenTexts) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        texts.encoding = types.PositionEncodingKind(server.workspace.position_encoding).value
        uris = [folder.uri for folder in params.workspace_folders or ()]
        uris = uris or [uri for uri in (params.root_uri,) if uri]
        texts.folders += [Path(path) for uri in uris if (path := to_fs_path(uri))]
        capabilities = params.capabilities.workspace
        edits = capabilities.workspace_edit if capabilities is not None else None
        texts.annotates = edits is not None and edits.change_annotation_support is not None
        window = params.capabilities.window
        shown = window.show_document if window is not None else None
        texts.shows = shown is not None and shown.support
        _take_settings(texts, params.initialization_options)
        in_text = params.capabilities.text_document
        actions = in_text.code_action if in_text is not None else None
        texts.disables = bool(actions is not None and actions.disabled_support)
        completion = in_text.completion if in_text is not None else None
        item = completion.completion_item if completion is not None else None
        texts.takes_snippets = bool(item is not None and item.snippet_support)

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        _watch_files(server)
        await texts.warm_up()


def _warn(server: LanguageServer, text: str) -> None:
    server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))


def _take_settings(texts: OpenTexts, settings: Any) -> None:
    """Take the editor's settings, or what it calls `archc` in them; what cannot be is told."""
    if not isinstance(settings, Mapping):
        return
    from archc.editor.card import BadSetting, CardSetting  # what takes long to import

    own = settings.get("archc", settings)
    try:
        texts.card = CardSetting.of(own if isinstance(own, Mapping) else {})
    except BadSetting as why:
        texts.say(str(why))


def _refresh_hints(server: LanguageServer) -> None:
    """Ask a client that can do so to ask for the shapes again."""
    workspace = server.client_capabilities.workspace
    if workspace is not None and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
        server.workspace_inlay_hint_refresh(None)


def _watch_files(server: LanguageServer) -> None:
    """Ask a client that can do so to tell of files that change on the disk."""
    workspace = server.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace is not None else None
    if watched is None or not watched.dynamic_registration:
        return
    options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*.arch")])
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    registration = types.Registration("archc-files", method, options)
    server.client_register_capability(types.RegistrationParams([registration]))


def _add_texts(server: LanguageServer, texts: OpenTexts, publisher: Publisher) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        if document.language_id != "arch" and not document.uri.endswith(".arch"):
            return  # a client that asks for all plain text
        opened = texts.open(document.uri, _path_of(document.uri, texts.folders), document.text)
        publisher.publish(opened, all_at_once=True)
        publisher.publish_users(opened.path)  # it may not be as it is on the disk

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        opened = texts.texts.get(params.text_document.uri)
        if opened is not None and params.content_changes:
            opened.note(params.content_changes[-1].text)
            texts.newest = opened.uri
            publisher.publish(opened)
            publisher.publish_users(opened.path)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        opened = texts.texts.get(params.text_document.uri)
        if opened is not None:
            opened.saved = False
            publisher.publish(opened, all_at_once=True)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        closed = texts.close(params.text_document.uri)
        if closed is not None:
            publisher.withdraw(closed)
            publisher.publish_users(closed.path)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def settings_changed(params: types.DidChangeConfigurationParams) -> None:
        _take_settings(texts, params.settings)
        workspace = server.client_capabilities.workspace
        if workspace is not None and workspace.code_lens and workspace.code_lens.refresh_support:
            server.workspace_code_lens_refresh(None)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        for event in params.changes:
            publisher.publish_users(_path_of(event.uri, texts.folders))


def _path_of(uri: str, folders: list[Path]) -> Path:
    """The file of a URI; a text without one is taken for a file of the workspace."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    if path is not None:
        return Path(path)
    return (folders[0] if folders else Path.cwd()) / "untitled.arch"
