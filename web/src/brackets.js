// Brackets that the editor has closed: a closing one that is typed on a later line is that one.
import { MapMode, StateField } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

const PAIR = /^(?:\(\)|\[\]|\{\})$/;

/** Where the pairs are of which only the first bracket was typed, as long as both are there. */
const pairs = StateField.define({
  create: () => [],
  update(found, transaction) {
    if (!transaction.docChanged) return found;
    const map = (at) => transaction.changes.mapPos(at, 1, MapMode.TrackAfter);
    const made = found.map(({ open, close }) => ({ open: map(open), close: map(close) }));
    const kept = made.filter(({ open, close }) => open !== null && close !== null);
    if (transaction.isUserEvent("input.type"))
      transaction.changes.iterChanges((fromA, toA, fromB, toB, inserted) => {
        if (PAIR.test(inserted.toString())) kept.push({ open: fromB, close: fromB + 1 });
      });
    return kept;
  },
});

/** Whether as many brackets of a kind are closed in a text as are opened. */
const isBalanced = (text, open, close) => text.split(open).length === text.split(close).length;

/** The bracket below comes to where it is typed; on a blank line it keeps its indent. */
const typeOver = EditorView.inputHandler.of((view, from, to, typed) => {
  const { state } = view, { doc, selection } = state;
  if (from !== to || selection.ranges.length > 1 || state.readOnly || view.compositionStarted) return false;
  const isNext = ({ open, close }) => open < from && from <= close && doc.sliceString(close, close + 1) === typed
    && !doc.sliceString(from, close).trim() && isBalanced(doc.sliceString(open + 1, from), doc.sliceString(open, open + 1), typed);
  const pair = state.field(pairs).find(isNext);
  if (!pair) return false;
  const here = doc.lineAt(from), there = doc.lineAt(pair.close);
  const isBlank = here.number < there.number && !doc.sliceString(here.from, from).trim();
  const begin = isBlank ? here.from : from, insert = isBlank ? doc.sliceString(there.from, pair.close + 1) : typed;
  view.dispatch({
    changes: { from: begin, to: pair.close + 1, insert },
    selection: { anchor: begin + insert.length },
    scrollIntoView: true,
    userEvent: "input.type",
  });
  return true;
});

export const closedBelow = [pairs, typeOver];
