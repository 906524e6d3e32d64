"""`archc lsp` as a process of its own, spoken to by pygls's client over its standard streams."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient
from pygls.uris import to_fs_path

from archc import data, files
from archc.editor.document import Document
from archc.server import convert
from archc.server.documents import OpenTexts, Stale
from archc.server.positions import TextLines
from archc.source import Source

ENCODINGS = ("utf-8", "utf-16", "utf-32")
ONE = ("utf-16", *(pytest.param(e, marks=pytest.mark.slow) for e in ("utf-8", "utf-32")))
BLOCKS = "block b(w) { conv 1x1 x(w) }\n"
TEXT = '# é𝔘\nuse "b.arch"\ninput 8x8 x3\na: b(4); relu  # é𝔘\nconv 3x3 x5 # é𝔘\n'


class Editor:
    """A client with one text open."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client = client
        self.path = path
        self.uri = path.as_uri()
        self.id = types.TextDocumentIdentifier(self.uri)
        self.encoding = "utf-16"
        self.text = ""
        self.version = 0
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.published = asyncio.Event()
        self.refreshed = 0  # times that the server wanted shapes to be asked for again
        self.watched: set[str] = set()
        self.shown: list[types.ShowDocumentParams] = []  # what the server wanted opened
        self.messages: list[str] = []

    def open(self, text: str) -> None:
        self.text = text
        document = types.TextDocumentItem(self.uri, "arch", 0, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def change(self, text: str) -> None:
        self.text, self.version = text, self.version + 1
        self.published.clear()
        changes = [types.TextDocumentContentChangeWholeDocument(text)]
        document = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def at(self, of: str) -> types.Position:
        return TextLines(self.text, self.encoding).position(self.text.index(of))

    @property
    def whole(self) -> types.Range:
        return types.Range(types.Position(0, 0), types.Position(1000, 0))

    async def hints(self) -> list[types.InlayHint]:
        params = types.InlayHintParams(self.id, self.whole)
        return [*(await self.client.text_document_inlay_hint_async(params) or ())]

    async def told(self, wanted: Callable[[list[types.Diagnostic]], bool]) -> None:
        """Wait until the diagnostics are as wanted."""
        while not wanted(self.diagnostics.get(self.uri, [])):
            self.published.clear()
            await asyncio.wait_for(self.published.wait(), 60)


@asynccontextmanager
async def editing(folder: Path, encoding: str, name: str = "a.arch") -> AsyncIterator[Editor]:
    """A server, asked for an encoding, with no text open yet."""
    client = LanguageClient("test", "1")
    editor = Editor(client, folder / name)
    editor.encoding = encoding

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
    def publish(params: types.PublishDiagnosticsParams) -> None:
        editor.diagnostics[params.uri] = [*params.diagnostics]
        editor.published.set()

    @client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)  # type: ignore[untyped-decorator]
    def refresh(params: None) -> None:
        editor.refreshed += 1

    @client.feature(types.WINDOW_SHOW_DOCUMENT)  # type: ignore[untyped-decorator]
    def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        editor.shown.append(params)
        return types.ShowDocumentResult(True)

    @client.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]
    def say(params: types.ShowMessageParams) -> None:
        editor.messages.append(params.message)

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)  # type: ignore[untyped-decorator]
    def register(params: types.RegistrationParams) -> None:
        editor.watched |= {registration.method for registration in params.registrations}

    await client.start_io(sys.executable, "-m", "archc", "lsp")
    general = types.GeneralClientCapabilities(
        position_encodings=[types.PositionEncodingKind(encoding)]
    )
    workspace = types.WorkspaceClientCapabilities(
        inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=True),
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(
            dynamic_registration=True
        ),
    )
    window = types.WindowClientCapabilities(
        show_document=types.ShowDocumentClientCapabilities(True)
    )
    in_text = types.TextDocumentClientCapabilities(
        code_action=types.CodeActionClientCapabilities(disabled_support=True),
        completion=types.CompletionClientCapabilities(
            completion_item=types.ClientCompletionItemOptions(snippet_support=True)
        ),
    )
    params = types.InitializeParams(
        capabilities=types.ClientCapabilities(workspace, in_text, window=window, general=general),
        initialization_options={"gpu": "RTX 3090", "batch": 8},
        root_uri=folder.as_uri(),
    )
    answer = await client.initialize_async(params)
    assert answer.capabilities.position_encoding == encoding
    client.initialized(types.InitializedParams())
    try:
        yield editor
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()  # type: ignore[no-untyped-call]


def session(
    folder: Path, use: Callable[[Editor], Awaitable[None]], encoding: str = "utf-16", **more: str
) -> None:
    """Run a session of an editor."""

    async def run() -> None:
        async with editing(folder, encoding, **more) as editor:
            await asyncio.wait_for(use(editor), 60)

    asyncio.run(run())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.arch").write_text(BLOCKS, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("encoding", ONE)
def test_every_request(folder: Path, encoding: str) -> None:
    """In texts with characters of one to four bytes, in the units that the client counts in."""

    async def use(editor: Editor) -> None:
        client = editor.client
        editor.open(TEXT)
        hints = await editor.hints()
        assert [(hint.position.line, hint.label) for hint in hints] == [
            (3, "8x8 x4"),
            (4, "6x6 x5"),
        ]
        ends = {"utf-8": 6, "utf-16": 3, "utf-32": 2}[encoding]
        assert hints[1].position.character == len("conv 3x3 x5 # ") + ends
        here = editor.at("b(4)")
        position = types.TextDocumentPositionParams(editor.id, here)
        hover = await client.text_document_hover_async(types.HoverParams(editor.id, here))
        assert hover is not None
        assert isinstance(hover.contents, types.MarkupContent)
        assert "block b(w)" in hover.contents.value
        found = await client.text_document_definition_async(
            types.DefinitionParams(editor.id, position.position)
        )
        assert isinstance(found, list | tuple)
        (location,) = found
        assert isinstance(location, types.Location)
        assert location.uri == (folder / "b.arch").as_uri()
        assert location.range.start == types.Position(0, 6)
        references = await client.text_document_references_async(
            types.ReferenceParams(types.ReferenceContext(True), editor.id, here)
        )
        assert references is not None
        assert len(references) == 2
        edit = await client.text_document_rename_async(types.RenameParams(editor.id, here, "c"))
        assert edit is not None
        assert edit.changes is not None
        assert len(edit.changes) == 2
        listed = await client.text_document_completion_async(
            types.CompletionParams(editor.id, editor.at("relu"))
        )
        assert isinstance(listed, types.CompletionList)
        assert "b" in {item.label for item in listed.items}
        symbols = await client.text_document_document_symbol_async(
            types.DocumentSymbolParams(editor.id)
        )
        assert symbols is not None
        assert [symbol.name for symbol in symbols] == ["a"]
        tokens = await client.text_document_semantic_tokens_full_async(
            types.SemanticTokensParams(editor.id)
        )
        assert tokens is not None
        assert tokens.data[2] == 2 + ends  # the comment of the first line
        await client.text_document_folding_range_async(types.FoldingRangeParams(editor.id))
        await client.text_document_code_lens_async(types.CodeLensParams(editor.id))
        help = await client.text_document_signature_help_async(
            types.SignatureHelpParams(editor.id, editor.at("4)"))
        )
        assert help is not None
        assert help.signatures[0].label == "b(w)"
        options = types.FormattingOptions(2, True)
        edits = await client.text_document_formatting_async(
            types.DocumentFormattingParams(editor.id, options)
        )
        assert edits
        assert all("é𝔘" in each.new_text for each in edits)

    session(folder, use, encoding)


@pytest.mark.parametrize("encoding", ONE)
def test_a_mistake_and_its_cure(folder: Path, encoding: str) -> None:
    async def use(editor: Editor) -> None:
        editor.open(TEXT.replace("relu  #", "relu; rlu  #"))
        await editor.told(lambda found: [d.code for d in found] == ["A101"])
        (diagnostic,) = editor.diagnostics[editor.uri]
        assert diagnostic.range.start == editor.at("rlu  ")
        context = types.CodeActionContext([diagnostic])
        actions = await editor.client.text_document_code_action_async(
            types.CodeActionParams(editor.id, diagnostic.range, context)
        )
        assert actions
        (action,) = actions
        assert isinstance(action, types.CodeAction)
        assert action.edit is not None
        assert action.edit.changes is not None
        assert [e.new_text for e in action.edit.changes[editor.uri]] == ["relu"]
        editor.change(TEXT)
        await editor.told(lambda found: not found)

    session(folder, use, encoding)


@pytest.mark.parametrize("encoding", ONE)
def test_statements_to_a_block(folder: Path, encoding: str) -> None:
    """A refactoring is asked for by its kind; one that cannot be done says why."""

    async def use(editor: Editor) -> None:
        editor.open(TEXT)
        start, end = editor.at("a: b(4)"), editor.at("  # é𝔘\nconv")
        context = types.CodeActionContext([], only=[types.CodeActionKind.RefactorExtract])
        params = types.CodeActionParams(editor.id, types.Range(start, end), context)
        actions = await editor.client.text_document_code_action_async(params)
        assert actions
        (action,) = actions
        assert isinstance(action, types.CodeAction)
        assert action.title == "Extract into a block `part` (weight names change)"
        assert action.edit is not None
        assert action.edit.changes is not None
        lines = TextLines(TEXT, encoding)
        made = TEXT
        for edit in reversed(action.edit.changes[editor.uri]):
            first, last = lines.offset(edit.range.start), lines.offset(edit.range.end)
            made = made[:first] + edit.new_text + made[last:]
        assert "block part() { a: b(4); relu }" in made
        assert "\npart()" in made
        editor.change(made)
        assert [hint.label for hint in await editor.hints()] == ["8x8 x4", "8x8 x4", "6x6 x5"]
        editor.change(TEXT + "@a\n")
        actions = await editor.client.text_document_code_action_async(params)
        assert actions
        assert isinstance(actions[0], types.CodeAction)
        assert actions[0].disabled is not None
        assert "`a` is named outside" in actions[0].disabled.reason

    session(folder, use, encoding)


def test_calls(folder: Path) -> None:
    """Also of a file that is not open, and as the open texts stand."""

    async def use(editor: Editor) -> None:
        client = editor.client
        editor.open(TEXT)
        items = await client.text_document_prepare_call_hierarchy_async(
            types.CallHierarchyPrepareParams(editor.id, editor.at("b(4)"))
        )
        assert items
        assert items[0].uri == (folder / "b.arch").as_uri()
        incoming = await client.call_hierarchy_incoming_calls_async(
            types.CallHierarchyIncomingCallsParams(items[0])
        )
        assert incoming
        (call,) = incoming
        assert call.from_.uri == editor.uri
        assert [place.start for place in call.from_ranges] == [editor.at("b(4)")]
        outgoing = await client.call_hierarchy_outgoing_calls_async(
            types.CallHierarchyOutgoingCallsParams(call.from_)
        )
        assert outgoing
        assert [each.to.name for each in outgoing] == ["b"]

    (folder / "a.arch").write_text(TEXT, encoding="utf-8")
    session(folder, use)


def test_lenses_and_the_reports_that_they_open(folder: Path) -> None:
    async def use(editor: Editor) -> None:
        client = editor.client

        async def run(report: str, *arguments: Any) -> Any:
            params = types.ExecuteCommandParams(f"archc.{report}", [*arguments])
            return await client.workspace_execute_command_async(params)

        async def lenses() -> dict[str, types.Command]:
            found = await client.text_document_code_lens_async(types.CodeLensParams(editor.id))
            return {lens.command.title: lens.command for lens in found or () if lens.command}

        editor.open(f"network A\n{TEXT}")
        shown = await lenses()
        assert any(title.startswith("batch 8 fits RTX 3090 (") for title in shown)
        assert {"diagram", "summary", "PyTorch"} <= shown.keys()
        assert "compare with the saved file" not in shown
        made = await client.workspace_execute_command_async(
            types.ExecuteCommandParams(shown["PyTorch"].command, shown["PyTorch"].arguments)
        )
        assert made is not None
        assert "class A(nn.Module)" in made["text"]
        assert (made["name"], made["language"]) == ("A.py", "python")
        assert editor.shown[0].uri.endswith("/A.py")
        assert not editor.shown[0].external
        await run("diagram")  # of the text that was changed last, shown in the browser
        assert editor.shown[1].uri.endswith("/A.html")
        assert editor.shown[1].external
        page = Path(to_fs_path(editor.shown[1].uri) or "")
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
        at = {"position": {"line": 4, "character": 4}}
        assert "b(4)" in (await run("explain", editor.uri, at))["text"]
        assert len(editor.shown) == 2
        drawn = (await run("view", editor.uri, "diagram", {"theme": "dark"}))["model"]
        assert drawn["name"] == "A"
        python = await run("view", editor.uri, "pytorch")
        line = python["text"].splitlines().index("class A(nn.Module):")
        assert any(int(number) > line for number in python["origins"])
        for wrong in (["poem"], ["diagram", {"theme": "pink"}], []):
            with pytest.raises(JsonRpcException, match="a view is"):
                await run("view", editor.uri, *wrong)
        editor.change(editor.text.replace("x5", "x6"))
        assert "compare with the saved file" in await lenses()
        assert "x6" in (await run("compare", editor.uri))["text"]
        context = types.CodeActionContext([])
        here = types.Range(editor.at("conv"), editor.at("conv"))
        actions = await client.text_document_code_action_async(
            types.CodeActionParams(editor.id, here, context)
        )
        assert "Compare with the saved file" in {action.title for action in actions or ()}
        for settings in ({"archc": {"gpu": 0.0001}}, {"archc": {"gpu": "RTX 1"}}):
            client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
        assert any("does not fit 0.0001 GiB" in title for title in await lenses())
        assert ["archc.gpu 'RTX 1' is no card" in message for message in editor.messages] == [True]
        editor.change("broken !\n")
        with pytest.raises(Exception, match="line 1 has a mistake"):
            await run("summary", editor.uri)
        with pytest.raises(Exception, match="no such text is open"):
            await run("summary", "file:///none.arch")

    session(folder, use)


def test_mistakes_elsewhere_come_later(folder: Path) -> None:
    """While one types, those on the line at hand are told first; then, in a pause, the others."""

    async def use(editor: Editor) -> None:
        editor.open(TEXT + "fc 10\n")
        await editor.told(lambda found: [d.code for d in found] == ["A202"])
        editor.change(TEXT + "flatten; fc 10\n")
        await editor.told(lambda found: not found)
        editor.change("# é𝔘\n" + TEXT.partition("\n")[2] + "# a comment\nfc 10\n")
        await asyncio.wait_for(editor.published.wait(), 60)

    session(folder, use)


def test_unsaved_texts_are_used(folder: Path) -> None:
    async def use(editor: Editor) -> None:
        editor.open(TEXT)
        assert (await editor.hints())[0].label == "8x8 x4"
        other = (folder / "b.arch").as_uri()
        text = BLOCKS.replace("x(w)", "x(2*w)")
        document = types.TextDocumentItem(other, "arch", 0, BLOCKS)
        editor.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        editor.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(1, other),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        assert (await editor.hints())[0].label == "8x8 x8"
        assert editor.refreshed
        assert types.WORKSPACE_DID_CHANGE_WATCHED_FILES in editor.watched

    session(folder, use)


def test_variants_follow_their_unsaved_base(folder: Path) -> None:
    base = "network Base\nparam width = 4\ninput 8x8 x3\nconv 3x3 p1 x(width)\nlast: relu\n"
    (folder / "base.arch").write_text(base)

    async def use(editor: Editor) -> None:
        editor.open('extends "base.arch"\nparam width = 8\nwithout last\n')
        await editor.told(lambda found: not found)
        uri = (folder / "base.arch").as_uri()
        document = types.TextDocumentItem(uri, "arch", 0, base)
        editor.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        editor.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(1, uri),
                [types.TextDocumentContentChangeWholeDocument(base.replace("last", "end"))],
            )
        )
        await editor.told(lambda found: [d.code for d in found] == ["A110"])

    session(folder, use)


def test_a_used_file_that_is_opened_with_unsaved_changes_counts(folder: Path) -> None:
    """As an editor opens what it was closed with."""

    async def use(editor: Editor) -> None:
        editor.open(TEXT)
        assert (await editor.hints())[0].label == "8x8 x4"
        text = BLOCKS.replace("x(w)", "x(2*w)")
        document = types.TextDocumentItem((folder / "b.arch").as_uri(), "arch", 0, text)
        editor.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        assert (await editor.hints())[0].label == "8x8 x8"

    session(folder, use)


def test_a_used_file_that_changes_while_it_is_analysed_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first analysis has not ended: what it has read by then is what it uses."""
    begun, changed = threading.Event(), threading.Event()

    def slowly(*asked: Any, **inside: Any) -> Source:
        source = read(*asked, **inside)
        begun.set()
        assert changed.wait(60)
        return source

    read = files.read
    monkeypatch.setattr(files, "read", slowly)

    async def run() -> None:
        texts = OpenTexts()
        opened = texts.open((folder / "a.arch").as_uri(), folder / "a.arch", TEXT)
        first = asyncio.ensure_future(texts.ask(opened, lambda document: document.hints()))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 60)
        base = folder / "b.arch"
        texts.open(base.as_uri(), base, BLOCKS.replace("x(w)", "x(2*w)"))
        assert texts.users_of(base) == [opened]
        opened.outdate()
        changed.set()
        await asyncio.gather(first, return_exceptions=True)
        assert isinstance(first.exception(), Stale)
        hints = await texts.ask(opened, lambda document: document.hints())
        assert hints[0].text == "8x8 x8"

    asyncio.run(run())


def test_newer_text_overtakes_older() -> None:
    """Keys in the 1202-layer network: what is asked for older texts is refused."""

    async def use(editor: Editor) -> None:
        path = data.ARCHS / "stochastic_depth_resnet1202.arch"
        text = path.read_text(encoding="utf-8")
        editor.open(text)
        await editor.hints()
        asked: list[Awaitable[Any]] = []
        for key in range(8):
            editor.change(f"{text}# {'x' * key}\n")
            asked.append(asyncio.ensure_future(editor.hints()))
            await asyncio.sleep(0)  # it is sent
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        assert not isinstance(answers[-1], Exception)
        assert {getattr(answer, "code", None) for answer in refused} == {
            types.LSPErrorCodes.ContentModified.value
        }

    session(data.ARCHS, use, name="stochastic_depth_resnet1202.arch")


def test_what_is_asked_of_an_older_text_is_not_computed() -> None:
    """Eight keys while the worker is busy: the last text alone is worked on."""

    async def run() -> None:
        texts = OpenTexts()
        path = data.ARCHS / "lenet5.arch"
        text = path.read_text(encoding="utf-8")
        opened = texts.open(path.as_uri(), path, text)
        begin = threading.Event()
        asked = [asyncio.ensure_future(texts.ask(opened, lambda document: begin.wait(60)))]
        done: list[str] = []

        def note(document: Document) -> bool:
            done.append(document.text)
            return True

        for key in range(8):
            await asyncio.sleep(0)  # the one before is asked
            opened.note(f"{text}# {key}\n")
            asked.append(asyncio.ensure_future(texts.ask(opened, note)))
        await asyncio.sleep(0)
        begin.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(answer, Stale) for answer in answers] == 8 * [True] + [False]
        assert done == [f"{text}# 7\n"]

    asyncio.run(run())


def test_what_is_taken_back_is_not_computed() -> None:
    """Seven of eight questions are: none of them is worked on, whatever is in front of it."""

    async def run() -> None:
        texts = OpenTexts()
        path = data.ARCHS / "lenet5.arch"
        opened = texts.open(path.as_uri(), path, path.read_text(encoding="utf-8"))
        begin = threading.Event()
        asked: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(texts.ask(opened, lambda document: begin.wait(60)))
        ]
        done: list[int] = []
        for number in range(8):
            work = partial(lambda number, document: done.append(number), number)
            asked.append(asyncio.ensure_future(texts.ask(opened, work)))
        await asyncio.sleep(0)  # they are asked
        for task in asked[1:8]:
            task.cancel()
        await asyncio.gather(*asked[1:8], return_exceptions=True)  # the worker's queue knows
        begin.set()
        await asyncio.gather(*asked, return_exceptions=True)
        assert done == [7]
        assert opened.waiting == 0

    asyncio.run(run())


def test_an_analysis_stops_that_nobody_waits_for() -> None:
    """Not where another question waits for it: then it goes on."""

    async def run(others: int) -> bool:
        texts = OpenTexts()
        path = data.ARCHS / "stochastic_depth_resnet1202.arch"
        opened = texts.open(path.as_uri(), path, path.read_text(encoding="utf-8"))
        first = asyncio.ensure_future(texts.ask(opened, lambda document: document.hints()))
        asked = [
            asyncio.ensure_future(texts.ask(opened, lambda document: document.findings()))
            for _ in range(others)
        ]
        await asyncio.sleep(0.1)  # it has begun
        first.cancel()
        await asyncio.gather(first, *asked, return_exceptions=True)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(texts._worker, lambda: opened.document.is_analysed)

    assert not asyncio.run(run(0))
    assert asyncio.run(run(1))


@pytest.mark.parametrize("encoding", ONE)
def test_places_behind_astral_characters_of_their_line(folder: Path, encoding: str) -> None:
    text = 'network N "é𝔘𝔘"; use "b.arch"; input 8x8 x3; a: b(4); add< | @a >; fc 1 # 𝔘\n'

    async def use(editor: Editor) -> None:
        client = editor.client
        editor.open(text)
        lines = TextLines(text, encoding)
        edit = await client.text_document_rename_async(
            types.RenameParams(editor.id, editor.at("a >"), "left")
        )
        assert edit is not None
        assert edit.changes is not None
        ranges = [each.range for each in edit.changes[editor.uri]]
        assert [text[lines.offset(r.start) : lines.offset(r.end)] for r in ranges] == ["a", "a"]
        assert ranges[1].start == editor.at("a >")
        assert "Weights of `a` may get other names" in editor.messages[0]  # there is a mistake
        hover = await client.text_document_hover_async(
            types.HoverParams(editor.id, editor.at("b(4)"))
        )
        assert hover is not None
        assert hover.range is not None
        assert hover.range.start == editor.at("b(4)")
        await editor.told(lambda found: [d.code for d in found] == ["A202"])
        (diagnostic,) = editor.diagnostics[editor.uri]
        assert diagnostic.range.start == editor.at("fc 1")
        tokens = await client.text_document_semantic_tokens_full_async(
            types.SemanticTokensParams(editor.id)
        )
        assert tokens is not None
        starts, at = [], 0
        for delta in tokens.data[1::5]:
            at += delta
            starts.append(at)
        assert editor.at("add<").character in starts
        assert starts[-1] == editor.at("# 𝔘").character

    session(folder, use, encoding)


def test_what_cannot_be_renamed_is_refused(folder: Path) -> None:
    async def use(editor: Editor) -> None:
        editor.open(TEXT)
        with pytest.raises(Exception, match="no name that this network defines"):
            await editor.client.text_document_prepare_rename_async(
                types.PrepareRenameParams(editor.id, editor.at("conv"))
            )
        place = await editor.client.text_document_prepare_rename_async(
            types.PrepareRenameParams(editor.id, editor.at("a: b"))
        )
        assert isinstance(place, types.Range)

    session(folder, use)


@pytest.mark.parametrize("encoding", ONE)
def test_positions_there_and_back(encoding: str) -> None:
    text = "a\né𝔘x\r\n\u2028\x0c\rend"
    lines = TextLines(text, encoding)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":  # there is no place in between
            assert lines.offset(lines.position(offset)) == offset
    assert lines.position(len(text)).line == 3
    assert lines.offset(types.Position(0, 99)) == 1
    assert lines.offset(types.Position(99, 0)) == len(text)


@pytest.mark.parametrize(
    ("takes", "text", "form"),
    [(True, "residual< ${1} >", types.InsertTextFormat.Snippet), (False, "residual", None)],
)
def test_brackets_are_put_in_where_a_client_goes_on_inside_of_them(
    takes: bool, text: str, form: types.InsertTextFormat | None
) -> None:
    typed = "input 8x8 x4\nres"
    found = Document(typed, Path("net.arch")).complete(len(typed))
    items = convert.completion(found, TextLines(typed, "utf-16"), takes).items
    (merged,) = (item for item in items if item.label == "residual")
    assert merged.text_edit is not None
    assert (merged.text_edit.new_text, merged.insert_text_format) == (text, form)
