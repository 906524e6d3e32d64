// The diagram in a panel beside the text: one panel, of the text that was edited last.

const vscode = require("vscode");

const KIND = "archc.diagram";
const DARK = new Set([vscode.ColorThemeKind.Dark, vscode.ColorThemeKind.HighContrast]);

class DiagramView {
  constructor(followed, extensionUri) {
    this.followed = followed;
    this.root = vscode.Uri.joinPath(extensionUri, "dist");
    followed.views.push(this);
    this.subscription = vscode.window.registerWebviewPanelSerializer(KIND, {
      deserializeWebviewPanel: async (panel) => this.fill(panel), // the window was loaded anew
    });
  }

  open() {
    if (this.panel) return this.panel.reveal(undefined, true);
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.fill(vscode.window.createWebviewPanel(KIND, "Diagram", place, { retainContextWhenHidden: true }));
  }

  fill(panel) {
    this.panel = panel;
    panel.webview.options = { enableScripts: true, localResourceRoots: [this.root] };
    panel.webview.onDidReceiveMessage((message) => this.hear(message));
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    panel.webview.html = this.page(panel.webview);
  }

  page(webview) {
    const file = (name) => webview.asWebviewUri(vscode.Uri.joinPath(this.root, name));
    const from = webview.cspSource;
    const policy =
      `default-src 'none'; script-src ${from} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${from}; ` +
      `style-src ${from} 'unsafe-inline'; img-src data:`;
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${file("view.css")}">
</head>
<body>
<section id="views" data-layout="${file("layout.js")}">
<div id="trouble" role="status" hidden></div>
<section id="diagram"></section>
</section>
<script type="module" src="${file("view.js")}"></script>
</body>
</html>`;
  }

  hear({ kind, place, focus }) {
    if (kind === "ready") {
      this.isReady = true;
      if (this.followed.document) this.draw(this.followed.document);
    }
    if (kind === "pick" && this.document) this.followed.select(this.document, place, focus);
  }

  async draw(document) {
    if (!this.panel) return;
    const theme = DARK.has(vscode.window.activeColorTheme.kind) ? "dark" : "light";
    const answer = await this.followed.answer(document, "diagram", { theme });
    if (!answer || document !== this.followed.document) return;
    if (answer.model) this.document = document;
    const isOther = this.document !== document; // what is shown is of another text
    this.post({ kind: "show", ...answer, isOther });
    if (this.panel && answer.model) this.panel.title = `Diagram: ${answer.model.name}`;
    this.follow(this.followed.at);
  }

  follow(offset) {
    if (this.document === this.followed.document) this.post({ kind: "follow", offset });
  }

  post(message) {
    this.panel?.webview.postMessage(message);
  }

  dispose() {
    this.panel?.dispose();
    this.subscription.dispose();
  }
}

module.exports = { DiagramView };
