// archc in the browser: Pyodide in a worker. Everything is beside this file; nothing is fetched
// from elsewhere.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const START = `
import json

from archc import data
from archc.editor.document import Document
from archc.page.workbench import Workbench
from archc.source import Limits

limits = Limits(nesting=50)  # a browser's stack is small
bench = Workbench(Document("", data.ARCHS / "playground.arch", limits=limits))

def ask(question):
    asked = json.loads(question)
    return json.dumps(bench.ask(asked.pop("ask"), asked.pop("text"), **asked))
`;

async function start() {
  const here = new URL(".", import.meta.url).href;
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: `${here}pyodide/` }),
    fetch(`${here}archc.zip`).then((response) => {
      if (!response.ok) throw new Error(`archc.zip: ${response.status}`);
      return response.arrayBuffer();
    }),
  ]);
  python.unpackArchive(new Uint8Array(archive), "zip", { extractDir: "/archc" });
  python.runPython(`import sys; sys.path.insert(0, "/archc")`);
  python.runPython(START);
  return python.globals.get("ask");
}

const ask = start();
ask.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error.message ?? error) }));

onmessage = async ({ data: { id, question } }) => {
  try {
    postMessage({ id, answer: (await ask)(question) });
  } catch (error) {
    const lines = String(error.message ?? error).trim().split("\n");
    postMessage({ id, failed: lines[lines.length - 1], isEnd: error instanceof RangeError || Boolean(error.pyodide_fatal_error) });
  }
};
