// The client of `archc lsp`: finds an archc, starts it, and starts it anew when asked to.

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { choose } = require("./choose.js");
const { DiagramView } = require("./diagram_view.js");
const { Followed } = require("./followed.js");
const { PytorchView } = require("./pytorch_view.js");

let client;
let output;
let views; // { followed, diagram, pytorch }
let starting = Promise.resolve();

async function activate(context) {
  output = vscode.window.createOutputChannel("archc");
  const again = () => {
    starting = starting.then(() => restart(context)).catch((error) => output.appendLine(`${error}`));
    return starting;
  };
  const followed = new Followed(ask);
  const [diagram, pytorch] = [new DiagramView(followed, context.extensionUri), new PytorchView(followed)];
  views = { followed, diagram, pytorch };
  context.subscriptions.push(
    output,
    diagram,
    pytorch,
    followed,
    vscode.commands.registerCommand("archc.showDiagram", () => diagram.open()),
    vscode.commands.registerCommand("archc.showPytorch", () => pytorch.open()),
    vscode.commands.registerCommand("archc.restart", again),
    vscode.commands.registerCommand("archc.showOutput", () => output.show()),
    vscode.workspace.onDidGrantWorkspaceTrust(again),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("archc.command")) again();
    }),
  );
  const changed = (await python())?.environments.onDidChangeActiveEnvironmentPath?.(again);
  if (changed) context.subscriptions.push(changed);
  await again();
}

async function restart(context) {
  await client?.stop().catch(() => {}); // one that has died cannot be asked to end
  client = undefined;
  const found = await choose(
    {
      setting: vscode.workspace.getConfiguration("archc").get("command"),
      interpreter: vscode.workspace.isTrusted ? await interpreter() : undefined,
      trusted: vscode.workspace.isTrusted,
      extension: context.extensionPath,
    },
    (line) => output.appendLine(line),
  );
  if (!found) return complain();
  const options = { cwd: context.extensionPath, env: { ...process.env, ...found.env } };
  client = new LanguageClient(
    "archc",
    "archc",
    { command: found.command, args: [...found.args, "lsp"], options },
    {
      documentSelector: [{ language: "arch" }],
      outputChannel: output,
      synchronize: { configurationSection: "archc" },
      middleware: { executeCommand: run },
    },
  );
  await client.start();
  views.followed.draw();
}

/** What the server says of a text, for a view beside it. */
async function ask(uri, name, options = {}) {
  if (!client?.isRunning()) throw new Error("archc does not run: its output channel says why.");
  const { commands } = client.initializeResult.capabilities.executeCommandProvider;
  if (!commands.includes("archc.view")) throw new Error("This archc is older than the extension: `git pull && pip install .` in its clone.");
  return client.sendRequest("workspace/executeCommand", { command: "archc.view", arguments: [uri, name, options] });
}

/** A command of the server, from a line above `network` or from the palette, which names no text. */
async function run(command, given) {
  if (command === "archc.diagram") return views.diagram.open();
  if (command === "archc.build") return views.pytorch.open();
  const { document, editor } = views.followed;
  const here = document && [document.uri.toString(), { show: true, position: editor.selection.active }];
  try {
    const arguments_ = given.length > 0 || !here ? given : here;
    return await client.sendRequest("workspace/executeCommand", { command, arguments: arguments_ });
  } catch (error) {
    vscode.window.showWarningMessage(`archc: ${error.message}`);
  }
}

async function complain() {
  const message = "No archc was found: `pip install .` in its clone, or set archc.command.";
  const show = "Show what was tried";
  if ((await vscode.window.showErrorMessage(message, show)) === show) output.show();
}

/** What the Python extension offers to others, if it is there. */
async function python() {
  const extension = vscode.extensions.getExtension("ms-python.python");
  return extension && (extension.isActive ? extension.exports : await extension.activate());
}

async function interpreter() {
  try {
    const { environments } = (await python()) ?? {};
    const active = environments?.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
    const resolved = active && (await environments.resolveEnvironment(active));
    return resolved?.executable.uri?.fsPath;
  } catch (error) {
    output.appendLine(`the Python extension says no: ${error.message}`);
    return undefined;
  }
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
