// Changes of a text that archc proposes, as they are made around a caret.

const CLOSING = /^\s*(?:[}>]\s*)+$/;

/** The change without what is alike at both ends: a caret beside it stays where it is. */
function trimmed(old, { start, end, text }) {
  const most = Math.min(end - start, text.length);
  let head = 0, tail = 0;
  while (head < most && old[start + head] === text[head]) head++;
  while (tail < most - head && old[end - 1 - tail] === text[text.length - 1 - tail]) tail++;
  return { from: start + head, to: end - tail, insert: text.slice(head, text.length - tail) };
}

/** A bracket that is closed above the blank line of the caret is closed below it, if the line is indented deeper. */
function closedBehind(doc, caret, change) {
  const { from, to, insert } = change, line = doc.lineAt(caret);
  if (from !== to || from > caret || !CLOSING.test(insert) || doc.sliceString(from, line.to).trim()) return change;
  const closing = insert.replace(/^\n|\n$/g, ""), margin = closing.search(/\S/);
  return caret - line.from > margin ? { from: line.to, to: line.to, insert: `\n${closing}` } : change;
}

/** The changes for CodeMirror. What is inserted at the caret goes behind it. */
export function around(doc, caret, changes) {
  const old = doc.toString();
  return changes.map((change) => closedBehind(doc, caret, trimmed(old, change)));
}
