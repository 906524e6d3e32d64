// The text that views stand beside: they are drawn anew when it has settled, and marked where its cursor is.

const vscode = require("vscode");

const SETTLED = 250; // ms without a change
const TRIES = 4; // a text that another file changes is refused while that is worked on

class Followed {
  /** `ask(uri, name, options)` is what the server says of a text. */
  constructor(ask) {
    this.ask = ask;
    this.views = [];
    this.take(vscode.window.activeTextEditor);
    for (const editor of vscode.window.visibleTextEditors) if (!this.editor) this.take(editor);
    this.subscriptions = [
      vscode.window.onDidChangeActiveTextEditor((editor) => this.take(editor) && this.draw()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => document.languageId === "arch" && this.drawSoon()),
      vscode.workspace.onDidSaveTextDocument(({ languageId }) => languageId === "arch" && this.drawSoon()),
      vscode.window.onDidChangeActiveColorTheme(() => this.draw()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor.document === this.document && this.take(textEditor)) this.follow();
      }),
    ];
  }

  get document() {
    return this.editor?.document;
  }

  take(editor) {
    const isArch = editor?.document.languageId === "arch";
    if (isArch) this.editor = editor;
    return isArch;
  }

  drawSoon() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.draw(), SETTLED);
  }

  draw() {
    clearTimeout(this.settling);
    for (const view of this.views) if (this.document) view.draw(this.document);
  }

  follow() {
    for (const view of this.views) if (this.document) view.follow(this.at);
  }

  /** The offset of the cursor, or the nearest one that may be in a statement: no indent, no comment. */
  get at() {
    const { document, selection } = this.editor;
    const { text, range } = document.lineAt(selection.active.line);
    const code = text.replace(/\s*(#.*)?$/, "").length;
    const first = Math.min(text.search(/\S|$/), code);
    const column = Math.max(first, Math.min(selection.active.character, code));
    return document.offsetAt(range.start.translate(0, column));
  }

  /** Select a place of the text, and give it the focus or not. */
  async select(document, [start, end], focus) {
    const seen = vscode.window.visibleTextEditors.find((each) => each.document === document);
    const viewColumn = seen?.viewColumn ?? vscode.ViewColumn.One;
    const editor = await vscode.window.showTextDocument(document, { viewColumn, preserveFocus: !focus });
    editor.selection = new vscode.Selection(document.positionAt(end), document.positionAt(start)); // the cursor at its start
    editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  /** What the server says of the text as it is now; undefined where a newer one has come. */
  async answer(document, name, options) {
    for (let tried = 1; ; tried++) {
      const version = document.version;
      try {
        const answer = await this.ask(document.uri.toString(), name, options);
        return document.version === version ? answer : undefined;
      } catch (error) {
        if (document.version !== version) return undefined;
        if (tried === TRIES) return { why: error.message };
        await new Promise((resolve) => setTimeout(resolve, SETTLED));
      }
    }
  }

  dispose() {
    clearTimeout(this.settling);
    for (const each of this.subscriptions) each.dispose();
  }
}

module.exports = { Followed };
