// The generated PyTorch beside its text: a document that cannot be edited, written anew when the text has settled.

const path = require("node:path");
const vscode = require("vscode");

const SCHEME = "archc-pytorch";
const BY_HAND = new Set([vscode.TextEditorSelectionChangeKind.Mouse, vscode.TextEditorSelectionChangeKind.Keyboard]);

class PytorchView {
  constructor(followed) {
    this.followed = followed;
    this.shown = new Map(); // of each document its last good text, and the origins of its lines
    this.changed = new vscode.EventEmitter();
    this.onDidChange = this.changed.event;
    this.here = vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      backgroundColor: new vscode.ThemeColor("editor.wordHighlightBackground"),
      overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.wordHighlightForeground"),
    });
    this.old = vscode.window.createTextEditorDecorationType({ opacity: "0.45" });
    followed.views.push(this);
    this.subscriptions = [
      this.changed,
      this.here,
      this.old,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.shown.delete(`${uri}`)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => document.uri.scheme === SCHEME && this.mark(true)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.mark(true)),
      vscode.window.onDidChangeTextEditorSelection((event) => this.moved(event)),
    ];
  }

  async open() {
    const { document } = this.followed;
    if (!document) return;
    const uri = uriOf(document);
    const editor = this.editors().find((each) => `${each.document.uri}` === `${uri}`);
    const viewColumn = editor?.viewColumn ?? vscode.ViewColumn.Beside;
    await vscode.window.showTextDocument(uri, { viewColumn, preserveFocus: true, preview: false });
    this.mark(true);
  }

  /** The text of a document of this scheme; the last good one while there are mistakes. */
  async provideTextDocumentContent(uri) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri.query));
    const answer = await this.followed.answer(document, "pytorch");
    const before = this.shown.get(`${uri}`);
    if (answer?.text) this.shown.set(`${uri}`, { ...answer, isOld: false });
    else if (before && answer) before.isOld = true;
    const now = this.shown.get(`${uri}`);
    if (now === before || now?.text === before?.text) this.mark(false); // no change will be told
    return now?.text ?? `# ${answer?.why ?? "The text has changed meanwhile."}\n`;
  }

  draw(document) {
    const uri = uriOf(document);
    if (vscode.workspace.textDocuments.some((each) => `${each.uri}` === `${uri}`)) this.changed.fire(uri);
  }

  follow() {
    this.mark(true);
  }

  editors() {
    return vscode.window.visibleTextEditors.filter(({ document }) => document.uri.scheme === SCHEME);
  }

  /** Mark the lines that come from the statement at the cursor, and let the first be seen. */
  mark(reveals) {
    for (const editor of this.editors()) {
      const { document } = editor;
      const shown = this.shown.get(`${document.uri}`);
      const isWhole = shown?.isOld ? [new vscode.Range(0, 0, document.lineCount, 0)] : [];
      editor.setDecorations(this.old, isWhole);
      const isFollowed = this.followed.document?.uri.toString() === document.uri.query;
      const lines = shown && isFollowed ? linesAt(shown.origins, this.followed.at) : [];
      const ranges = lines.filter((line) => line < document.lineCount).map((line) => document.lineAt(line).range);
      editor.setDecorations(this.here, ranges);
      if (!reveals || !ranges.length || editor === vscode.window.activeTextEditor) continue;
      if (ranges.some((range) => editor.visibleRanges.some((seen) => seen.contains(range)))) continue;
      editor.revealRange(ranges[0], vscode.TextEditorRevealType.InCenter);
    }
  }

  /** The cursor was put on a line: select what it comes from. */
  async moved({ textEditor, selections, kind }) {
    const { uri } = textEditor.document;
    if (uri.scheme !== SCHEME || !BY_HAND.has(kind) || !selections[0].isEmpty) return;
    const places = this.shown.get(`${uri}`)?.origins[selections[0].active.line + 1];
    if (!places?.length) return;
    await this.followed.select(await vscode.workspace.openTextDocument(vscode.Uri.parse(uri.query)), places[0], false);
  }

  dispose() {
    for (const each of this.subscriptions) each.dispose();
  }
}

function uriOf(document) {
  const name = path.posix.basename(document.uri.path).replace(/(\.arch)?$/, ".py");
  return vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: document.uri.toString() });
}

/** The lines, from 0, of the smallest statement around an offset. */
function linesAt(origins, offset) {
  let best = Infinity;
  let found = new Set();
  for (const [line, places] of Object.entries(origins)) {
    for (const [start, end] of places) {
      if (offset < start || end < offset || end - start > best) continue;
      if (end - start < best) found = new Set();
      best = end - start;
      found.add(Number(line) - 1);
    }
  }
  return [...found].sort((a, b) => a - b);
}

module.exports = { PytorchView, linesAt };
