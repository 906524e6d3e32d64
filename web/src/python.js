// What Python does before it is asked: `ask` takes a question, and gives the answer, as JSON.
const START = `
import json

from archc import data
from archc.editor.document import Document
from archc.page.one_file import read_bundled
from archc.page.workbench import Workbench
from archc.source import Limits

limits = Limits(nesting=50)  # a browser's stack is small
bench = Workbench(Document("", data.ARCHS / "playground.arch", read_bundled, limits=limits))

def ask(question):
    asked = json.loads(question)
    return json.dumps(bench.ask(asked.pop("ask"), asked.pop("text"), **asked))
`;

/** Start archc in a Pyodide; its function `ask`. */
export function started(python, archive) {
  python.unpackArchive(new Uint8Array(archive), "zip", { extractDir: "/archc" });
  python.runPython(`import sys; sys.path.insert(0, "/archc")`);
  python.runPython(START);
  return python.globals.get("ask");
}
