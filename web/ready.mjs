// Seconds of CPU until a playground is ready: node ready.mjs ../build/playground
import { loadPyodide } from "pyodide";
import { readFileSync } from "node:fs";
import { started } from "./src/python.js";

const folder = process.argv[2];
const ask = started(await loadPyodide(), readFileSync(`${folder}/archc.zip`));
const text = JSON.parse(readFileSync(`${folder}/bundled.json`, "utf8")).start;
for (const more of [{ ask: "look" }, { ask: "diagram", theme: "light" }]) {
  const answer = JSON.parse(ask(JSON.stringify({ text, ...more })));
  if (!answer.ok && !answer.model) throw new Error(JSON.stringify(answer));
}
const { user, system } = process.cpuUsage();
console.log((user + system) / 1e6);
process.exit(0);
