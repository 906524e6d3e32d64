// archc in the browser: Pyodide in a worker. Everything is beside this file; nothing is fetched
// from elsewhere.
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { started } from "./python.js";

async function start() {
  const here = new URL(".", import.meta.url).href;
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: `${here}pyodide/` }),
    fetch(`${here}archc.zip`).then((response) => {
      if (!response.ok) throw new Error(`archc.zip: ${response.status}`);
      return response.arrayBuffer();
    }),
  ]);
  return started(python, archive);
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
