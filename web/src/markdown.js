// The little Markdown that archc writes, as elements: no text of a file ever becomes HTML.

/** An element with the paragraphs, lists and code of a text. */
export function markdown(text) {
  const made = element("div", "markdown");
  for (const part of text.split(/(^```[\s\S]*?^```)/m)) {
    const code = /^```[^\n]*\n([\s\S]*?)\n?```$/.exec(part);
    if (code) made.append(element("pre", "", code[1]));
    else for (const paragraph of part.split(/\n{2,}/)) if (paragraph.trim()) made.append(block(paragraph.trim()));
  }
  return made;
}

/** An element by its tag, class and text. */
export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

function block(text) {
  const lines = text.split("\n");
  if (!lines.every((line) => /^\s*[-*] /.test(line))) return inline(element("p"), text);
  const list = element("ul");
  for (const line of lines) list.append(inline(element("li"), line.replace(/^\s*[-*] /, "")));
  return list;
}

function inline(parent, text) {
  for (const part of text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]*\]\([^)]*\))/)) {
    if (part.startsWith("`") && part.length > 1) parent.append(element("code", "", part.slice(1, -1)));
    else if (part.startsWith("**")) parent.append(element("b", "", part.slice(2, -2)));
    else parent.append(part.replace(/^\[([^\]]*)\]\([^)]*\)$/, "$1"));
  }
  return parent;
}
