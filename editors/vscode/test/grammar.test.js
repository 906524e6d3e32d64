// The grammar in the engine that VS Code has. That it colours all bundled networks as the other
// highlighters do is tests/test_highlight.py's to hold, by Python's regular expressions.

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const oniguruma = require("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");

const file = path.join(__dirname, "..", "syntaxes", "arch.tmLanguage.json");
const wasm = path.join(path.dirname(require.resolve("vscode-oniguruma/package.json")), "release/onig.wasm");

async function grammar() {
  await oniguruma.loadWASM(fs.readFileSync(wasm).buffer);
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => parseRawGrammar(fs.readFileSync(file, "utf8"), file),
  });
  return registry.loadGrammar("source.arch");
}

const LINES = [
  ["network Net \"a # title\"  # note", { network: "keyword.control.declaration", Net: "entity.name.type", "# note": "comment.line.number-sign" }],
  ["stage{i}b: residual if (s < 2) < conv 3x3/(s) x(4 * width) nobias | @stem.c >", {
    stage: "entity.name.label", b: "entity.name.label", residual: "support.function.merge", if: "keyword.control",
    conv: "support.function.conv", "3x3": "constant.numeric", nobias: "support.constant", "@stem.c": "variable.other.label",
  }],
  ["unit(64, [2,", { unit: "entity.name.function", 64: "constant.numeric" }],
  ["train { optimizer sgd lr=1e-1; batch 10K", { train: "keyword.control.declaration", optimizer: "keyword.other.property", sgd: "support.constant", lr: "variable.parameter", "10K": "constant.numeric" }],
  ["block next(width) { relu }", { block: "keyword.control.declaration", next: "entity.name.type", relu: "support.function.act" }],
];

test("words have the scopes of what they are, also behind brackets that are never closed", async () => {
  const read = await grammar();
  let stack = INITIAL;
  for (const [line, wanted] of LINES) {
    const { tokens, ruleStack } = read.tokenizeLine(line, stack);
    stack = ruleStack;
    const found = Object.fromEntries(
      tokens.map(({ startIndex, endIndex, scopes }) => [line.slice(startIndex, endIndex), scopes[scopes.length - 1]]),
    );
    for (const [word, scope] of Object.entries(wanted)) {
      assert.equal(found[word], `${scope}.arch`, `${word} in ${line}`);
    }
  }
});
