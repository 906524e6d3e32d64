"""The mode of CodeMirror 6 (`StreamLanguage.define(arch())`), which is one of CodeMirror 5, too."""

from __future__ import annotations

import json

from archc.highlight.patterns import NEW_ITEM, groups, regex
from archc.highlight.rules import CONTEXTS, STATEMENTS, kinds

_TAGS = {
    "attribute": "atom",
    "block": "variableName.function",
    "builtin": "variableName.special",
    "comment": "comment",
    "constant": "bool",
    "declaration": "definitionKeyword",
    "definition": "typeName",
    "function": "variableName.function",
    "keyword": "keyword",
    "label": "labelName",
    "name": "variableName",
    "number": "number",
    "operator": "variableName.standard",
    "option": "propertyName",
    "property": "propertyName",
    "punctuation": "punctuation",
    "reference": "labelName",
    "sign": "operator",
    "string": "string",
}

_MODULE = """\
// Architectures of neural networks, for CodeMirror: StreamLanguage.define(arch()).
// Generated: python -m archc.highlight

// Of each context its rules: the expression, the kinds of its groups, the context that it opens
// ("" for none), and whether it closes this one.
const CONTEXTS = @CONTEXTS@;

const TAGS = @TAGS@;

const NEW_ITEM = new RegExp(@NEW_ITEM@, "y");
for (const rules of Object.values(CONTEXTS)) {
  for (const rule of rules) rule[0] = new RegExp(rule[0], "y");
}

/** The mode. `style` gives the tag of a kind such as `label` or `operator conv`. */
export function arch(style = (kind) => TAGS[kind] ?? null) {
  return {
    name: "arch",
    startState: () => ({ contexts: ["@STATEMENTS@"], queue: [] }),
    copyState: ({ contexts, queue }) => ({ contexts: [...contexts], queue: [...queue] }),
    token(stream, state) {
      if (state.queue.length === 0) read(stream, state);
      const [length, kind] = state.queue.shift();
      stream.pos += length;
      return kind ? style(kind) : null;
    },
    languageData: {
      commentTokens: { line: "#" },
      closeBrackets: { brackets: ["(", "[", "{", '"'] },
    },
  };
}

/** Put the pieces of what comes next into the queue: a rule may have several. */
function read(stream, { contexts, queue }) {
  const text = `${stream.string}\\n`; // a mode is given lines without their ends
  while (contexts.length > 1 && matched(NEW_ITEM, text, stream.pos)) contexts.pop();
  for (const [expression, kinds, opens, closes] of CONTEXTS[contexts[contexts.length - 1]]) {
    const found = matched(expression, text, stream.pos);
    if (!found?.[0]) continue;
    kinds.forEach((kind, at) => found[at + 1] && queue.push([found[at + 1].length, kind]));
    if (closes) contexts.pop();
    if (opens) contexts.push(opens);
    return;
  }
  queue.push([1, ""]);
}

function matched(expression, text, at) {
  expression.lastIndex = at;
  return expression.exec(text);
}
"""


def module() -> str:
    """Return the file `arch.js`."""
    contexts = ",\n".join(f"  {name}: [\n{_rules(name)}\n  ]" for name in CONTEXTS)
    tags = {kind: _TAGS[kind.partition(" ")[0]] for kind in kinds()}
    parts = {
        "CONTEXTS": f"{{\n{contexts},\n}}",
        "TAGS": json.dumps(tags, indent=2),
        "NEW_ITEM": json.dumps(NEW_ITEM),
        "STATEMENTS": STATEMENTS,
    }
    made = _MODULE
    for name, text in parts.items():
        made = made.replace(f"@{name}@", text)
    return made


def _rules(context: str) -> str:
    rows = ([regex(rule), groups(rule), rule.opens, rule.closes] for rule in CONTEXTS[context])
    return "\n".join(f"    {json.dumps(row)}," for row in rows)
