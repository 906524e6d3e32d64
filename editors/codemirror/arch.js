// Architectures of neural networks, for CodeMirror: StreamLanguage.define(arch()).
// Generated: python -m archc.highlight

// Of each context its rules: the expression, the kinds of its groups, the context that it opens
// ("" for none), and whether it closes this one.
const CONTEXTS = {
  statements: [
    ["(#[^\\n]*)", ["comment"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)(\"[^\"\\n]*\")(?=[ \\t]*:)", ["", "label"], "", false],
    ["(\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\")", ["string"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)((?:expect|train|meta))([ \\t]*)(\\{)", ["", "declaration", "", "punctuation"], "section", false],
    ["\\b([A-Za-z_][A-Za-z0-9_]*)\\b(?=(?:\\{[^{}\\n]*\\}[A-Za-z0-9_]*)*[ \\t]*:)", ["label"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b((?:sequence|network|block|param))([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b", ["", "declaration", "", "definition"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(let)([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b(?=[ \\t]*=[^=])", ["", "declaration", "", "definition"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(output)([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b", ["", "declaration", "", "label"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(input)([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b(?=\\{)", ["", "declaration", "", "label"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(extends)\\b(?=[ \\t]+\")", ["", "declaration"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(without)([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b", ["", "declaration", "", "label"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b((?:use|input|output|devices))\\b", ["", "declaration"], "", false],
    ["\\b(each)\\b(?=[ \\t]+[A-Za-z_(][^;|{}<>\\n]* in )", ["keyword"], "", false],
    ["\\b(as)([ \\t]+)([A-Za-z_][A-Za-z0-9_]*)\\b", ["keyword", "", "label"], "", false],
    ["(reuse)([ \\t]+)((?:[A-Za-z_][A-Za-z0-9_]*|\"[^\"\\n]*\")(?:\\.[A-Za-z0-9_]+)*)", ["keyword", "", "reference"], "", false],
    ["\\b(in[ \\t]*\\.[ \\t]*[A-Za-z_][A-Za-z0-9_]*)\\b", ["builtin"], "", false],
    ["(@(?:[A-Za-z_][A-Za-z0-9_]*|\"[^\"\\n]*\")(?:\\.[A-Za-z0-9_]+)*)", ["reference"], "", false],
    ["\\b((?:reuse|else|and|for|not|if|in|or))\\b", ["keyword"], "", false],
    ["\\b([A-Za-z_][A-Za-z0-9_]*)\\b(?=[ \\t]*=[^=])", ["option"], "", false],
    ["\\b([0-9]+(?:x[0-9]+)+)\\b", ["number"], "", false],
    ["\\b([xpgd][0-9]+(?:x[0-9]+)*)\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*(?:\\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*)\\b", ["number"], "", false],
    ["\\b([xpgd](?:[0-9]+x)*)\\b(?=\\()", ["number"], "", false],
    ["\\b((?:[0-9]+x)+)\\b(?=\\()", ["number"], "", false],
    ["\\b((?:false|none|true))\\b", ["constant"], "", false],
    ["\\b((?:enumerate|floor|round|ceil|abs|len|max|min|sum|zip))\\b(?=[ \\t]*\\()", ["function"], "", false],
    ["\\b((?:hardsigmoid|log_sigmoid|log_softmax|leaky_relu|softshrink|hardswish|threshold|hardtanh|softplus|softsign|sigmoid|softmax|square|clamp|prelu|relu6|rrelu|swish|celu|gelu|mish|relu|selu|silu|sqrt|tanh|abs|elu|exp|glu|log|neg))\\b", ["operator act"], "", false],
    ["\\b((?:conv_transpose|deconv|conv))\\b", ["operator conv"], "", false],
    ["\\b((?:alpha_dropout|droppath|dropout))\\b", ["operator drop"], "", false],
    ["\\b((?:linear|fc))\\b", ["operator linear"], "", false],
    ["\\b((?:residual|columns|concat|dense|join|mean|add|aux|max|mul|sub))\\b", ["operator merge"], "", false],
    ["\\b((?:instancenorm|pixel_norm|batchnorm|groupnorm|layernorm|pixelnorm|l2norm|inorm|scale|norm|grn|lrn|bn|gn|ln))\\b", ["operator norm"], "", false],
    ["\\b((?:reparametrize|identity|sample|times|plus|div))\\b", ["operator other"], "", false],
    ["\\b((?:blurpool|avgpool|maxpool|lppool|blur|pool|gap|sum))\\b", ["operator pool"], "", false],
    ["\\b((?:pixel_unshuffle|pixelunshuffle|pixel_shuffle|pixelshuffle|unflatten|unshuffle|upsample|flatten|shuffle|narrow|resize|chunk|widen|crop|pad))\\b", ["operator reshape"], "", false],
    ["\\b((?:align_corners|nearest_exact|spectral_norm|rescale_eval|nocount_pad|weight_norm|broadcast|count_pad|replicate|bilinear|branches|circular|noaffine|bicubic|channel|nearest|notrack|reflect|affine|nobias|single|tfsame|batch|track|whole|zeros|bare|ceil|each|gain|same|tanh|l2|sn|wn|ws|A|B))\\b", ["attribute"], "", false],
    ["\\b([A-Za-z_][A-Za-z0-9_]*)\\b(?=\\()", ["block"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b(?!(?:pixel_unshuffle|conv_transpose|pixelunshuffle|alpha_dropout|pixel_shuffle|reparametrize|instancenorm|pixelshuffle|hardsigmoid|log_sigmoid|log_softmax|leaky_relu|pixel_norm|softshrink|batchnorm|groupnorm|hardswish|layernorm|pixelnorm|threshold|unflatten|unshuffle|blurpool|droppath|hardtanh|identity|residual|softplus|softsign|upsample|avgpool|columns|dropout|flatten|maxpool|shuffle|sigmoid|softmax|concat|deconv|l2norm|linear|lppool|narrow|resize|sample|square|chunk|clamp|dense|inorm|prelu|relu6|reuse|rrelu|scale|swish|times|widen|blur|celu|conv|crop|each|else|gelu|join|mean|mish|norm|plus|pool|relu|selu|silu|sqrt|tanh|abs|add|and|aux|div|elu|exp|for|gap|glu|grn|log|lrn|max|mul|neg|not|pad|sub|sum|as|bn|fc|gn|if|in|ln|or)\\b|[A-Za-z_][A-Za-z0-9_]*(?:\\{[^{}\\n]*\\}[A-Za-z0-9_]*)*[ \\t]*:)([A-Za-z_][A-Za-z0-9_]*)\\b", ["", "block"], "", false],
    ["\\b([A-Za-z0-9_]+)\\b", ["name"], "", false],
    ["([(\\[])", ["punctuation"], "expression", false],
    ["(?<=[A-Za-z0-9_}.-])(\\{)(?=[^{}\\n]*\\})", ["punctuation"], "expression", false],
    ["(\\*\\*|//|\\.\\.|[<>=!]=|[-+*/%<>|=])", ["sign"], "", false],
    ["([{}()\\[\\],;:.@])", ["punctuation"], "", false],
    ["([ \\t]+)", [""], "", false],
  ],
  expression: [
    ["(#[^\\n]*)", ["comment"], "", false],
    ["(\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\")", ["string"], "", false],
    ["\\b(in[ \\t]*\\.[ \\t]*[A-Za-z_][A-Za-z0-9_]*)\\b", ["builtin"], "", false],
    ["(@(?:[A-Za-z_][A-Za-z0-9_]*|\"[^\"\\n]*\")(?:\\.[A-Za-z0-9_]+)*)", ["reference"], "", false],
    ["\\b((?:reuse|else|and|for|not|if|in|or))\\b", ["keyword"], "", false],
    ["\\b([A-Za-z_][A-Za-z0-9_]*)\\b(?=[ \\t]*=[^=])", ["option"], "", false],
    ["\\b([0-9]+(?:x[0-9]+)+)\\b", ["number"], "", false],
    ["\\b([xpgd][0-9]+(?:x[0-9]+)*)\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*(?:\\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*)\\b", ["number"], "", false],
    ["\\b((?:false|none|true))\\b", ["constant"], "", false],
    ["\\b((?:enumerate|floor|round|ceil|abs|len|max|min|sum|zip))\\b(?=[ \\t]*\\()", ["function"], "", false],
    ["\\b([A-Za-z0-9_]+)\\b", ["name"], "", false],
    ["([(\\[])", ["punctuation"], "expression", false],
    ["([)\\]}])", ["punctuation"], "", true],
    ["(\\*\\*|//|\\.\\.|[<>=!]=|[-+*/%<>|=])", ["sign"], "", false],
    ["([{}()\\[\\],;:.@])", ["punctuation"], "", false],
    ["([ \\t]+)", [""], "", false],
  ],
  section: [
    ["(#[^\\n]*)", ["comment"], "", false],
    ["(\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\")", ["string"], "", false],
    ["(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \\t]))([ \\t]*)\\b([A-Za-z_][A-Za-z0-9_]*)\\b", ["", "property"], "", false],
    ["\\b([A-Za-z_][A-Za-z0-9_]*)\\b(?=[ \\t]*=[^=])", ["option"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*(?:\\.[0-9]+)?[KMGT])\\b", ["number"], "", false],
    ["\\b([0-9]+(?:x[0-9]+)+)\\b", ["number"], "", false],
    ["\\b([xpgd][0-9]+(?:x[0-9]+)*)\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*(?:\\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))\\b", ["number"], "", false],
    ["\\b([0-9]+(?:_[0-9]+)*)\\b", ["number"], "", false],
    ["\\b((?:false|none|true))\\b", ["constant"], "", false],
    ["\\b((?:truncated_normal|zero_residual|resized_crop|exponential|orthogonal|centered|constant|nesterov|adagrad|amsgrad|default|fan_out|plateau|reflect|rmsprop|uniform|weights|cosine|fan_in|linear|normal|xavier|adamw|adam|conv|crop|flip|poly|step|all|sgd|bn|fc|he))\\b", ["attribute"], "", false],
    ["\\b([A-Za-z0-9_]+)\\b", ["name"], "", false],
    ["([(\\[])", ["punctuation"], "expression", false],
    ["(\\})", ["punctuation"], "", true],
    ["(\\*\\*|//|\\.\\.|[<>=!]=|[-+*/%<>|=])", ["sign"], "", false],
    ["([{}()\\[\\],;:.@])", ["punctuation"], "", false],
    ["([ \\t]+)", [""], "", false],
  ],
};

const TAGS = {
  "comment": "comment",
  "label": "labelName",
  "string": "string",
  "declaration": "definitionKeyword",
  "punctuation": "punctuation",
  "definition": "typeName",
  "keyword": "keyword",
  "reference": "labelName",
  "builtin": "variableName.special",
  "option": "propertyName",
  "number": "number",
  "constant": "bool",
  "function": "variableName.function",
  "operator act": "variableName.standard",
  "operator conv": "variableName.standard",
  "operator drop": "variableName.standard",
  "operator linear": "variableName.standard",
  "operator merge": "variableName.standard",
  "operator norm": "variableName.standard",
  "operator other": "variableName.standard",
  "operator pool": "variableName.standard",
  "operator reshape": "variableName.standard",
  "attribute": "atom",
  "block": "variableName.function",
  "name": "variableName",
  "sign": "operator",
  "property": "propertyName"
};

const NEW_ITEM = new RegExp("^(?=(?:sequence|network|expect|block|param|train|meta|use)[ \\t])", "y");
for (const rules of Object.values(CONTEXTS)) {
  for (const rule of rules) rule[0] = new RegExp(rule[0], "y");
}

/** The mode. `style` gives the tag of a kind such as `label` or `operator conv`. */
export function arch(style = (kind) => TAGS[kind] ?? null) {
  return {
    name: "arch",
    startState: () => ({ contexts: ["statements"], queue: [] }),
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
  const text = `${stream.string}\n`; // a mode is given lines without their ends
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
