// The text: CodeMirror with archc's colours, shapes behind lines, mistakes, completion, hover.
import {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus,
  selectedCompletion, selectedCompletionIndex, snippet,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentService, indentUnit, StreamLanguage, syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import {
  closeHoverTooltips, Decoration, drawSelection, EditorView, hasHoverTooltips, highlightActiveLine, highlightActiveLineGutter,
  hoverTooltip, keymap, lineNumbers, showTooltip, WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { arch } from "../../editors/codemirror/arch.js";
import { closedBelow } from "./brackets.js";
import { element, markdown } from "./markdown.js";

const COLOURS = HighlightStyle.define([
  { tag: tags.comment, class: "c-comment" },
  { tag: [tags.keyword, tags.definitionKeyword, tags.operatorKeyword, tags.controlKeyword], class: "c-keyword" },
  { tag: [tags.number, tags.bool, tags.null], class: "c-number" },
  { tag: [tags.string, tags.special(tags.string)], class: "c-string" },
  { tag: [tags.standard(tags.variableName), tags.function(tags.variableName), tags.className], class: "c-operator" },
  { tag: [tags.typeName, tags.definition(tags.variableName), tags.function(tags.definition(tags.variableName))], class: "c-name" },
  { tag: [tags.labelName], class: "c-label" },
  { tag: [tags.atom, tags.propertyName, tags.special(tags.variableName)], class: "c-attribute" },
]);

const KINDS = {
  operator: "function", combinator: "keyword", block: "class", keyword: "keyword", value: "variable", label: "property",
  attribute: "property", function: "function", file: "text",
};

// --- shapes behind lines ----------------------------------------------------------------------

class ShapeWidget extends WidgetType {
  constructor(hint) {
    super();
    this.hint = hint;
  }

  eq({ hint }) {
    return hint.text === this.hint.text && hint.stale === this.hint.stale;
  }

  toDOM() {
    const made = element("span", this.hint.stale ? "shape stale" : "shape", this.hint.text);
    made.title = this.hint.tooltip;
    return made;
  }
}

const setShapes = StateEffect.define();
const shapes = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    let made = found.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(setShapes)) {
        const { doc } = transaction.state, builder = new RangeSetBuilder();
        for (const hint of effect.value) {
          if (hint.line >= doc.lines) continue;
          const { to } = doc.line(hint.line + 1);
          builder.add(to, to, Decoration.widget({ widget: new ShapeWidget(hint), side: 1 }));
        }
        made = builder.finish();
      }
    return made;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// --- lines that are marked --------------------------------------------------------------------

const setMarked = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    let made = found.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(setMarked)) {
        const lines = effect.value.filter((line) => line >= 1 && line <= transaction.state.doc.lines);
        const line = Decoration.line({ class: "marked" });
        made = Decoration.set(lines.map((n) => line.range(transaction.state.doc.line(n).from)));
      }
    return made;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// --- what F1 shows ----------------------------------------------------------------------------

const setExplained = StateEffect.define();
const explained = StateField.define({
  create: () => null,
  update(found, transaction) {
    for (const effect of transaction.effects) if (effect.is(setExplained)) return effect.value;
    return transaction.docChanged || transaction.selection ? null : found;
  },
  provide: (field) => showTooltip.from(field),
});

const asked = (found, view, at) => ({
  pos: found.start,
  end: found.end,
  above: true,
  create: () => {
    const dom = markdown(found.markdown);
    if (at) dom.setAttribute("role", "status");
    return { dom };
  },
});

// --- what is proposed -------------------------------------------------------------------------

const shownAs = ({ text, known_as: knownAs }) => knownAs || text;

/** Whether a word is one of the items, and no other begins with it: there is nothing more to offer. */
function isWhole(items, typed) {
  const isMore = (item) => item.text !== typed && shownAs(item).toLowerCase().startsWith(typed.toLowerCase());
  return items.some((item) => item.text === typed && !item.snippet) && !items.some(isMore);
}

function option(item, at) {
  return {
    label: shownAs(item),
    displayLabel: item.known_as ? `${item.known_as} → ${item.text}` : undefined,
    apply: item.snippet ? snippet(item.snippet) : item.text,
    type: KINDS[item.kind],
    detail: item.detail,
    info: item.doc ? () => markdown(item.doc) : undefined,
    boost: 50 - 10 * item.rank,
    sortText: String(at).padStart(4, "0"),
  };
}

/** Enter ends the line where the list has nothing that it would change: it is closed, and the key goes on. */
function enter(view) {
  const { state } = view, { head } = state.selection.main;
  if (completionStatus(state) !== "active" || selectedCompletionIndex(state) !== 0) return false;
  const typed = state.sliceDoc(state.doc.lineAt(head).from, head).match(/[\w"./]*$/)[0];
  if (!typed || selectedCompletion(state).apply === typed) closeCompletion(view);
  return false;
}

// --- indents ----------------------------------------------------------------------------------

/** How many columns a line begins with that comes behind another: two more behind an open bracket. */
const indents = indentService.of((context, at) => {
  const { doc } = context.state, isBroken = context.simulatedBreak === at;
  let before = isBroken ? doc.sliceString(doc.lineAt(at).from, at) : "";
  for (let n = doc.lineAt(at).number - 1; n > 0 && !before.trim() && !isBroken; n--) before = doc.line(n).text;
  const code = before.replace(/#.*/, ""), own = before.search(/\S|$/);
  let open = 0;
  for (const sign of code.match(/\w<|[{}()[\]]|(?:^|\s)>/g) ?? [])
    if (/[<{([]$/.test(sign)) open += 1;
    else if (open > 0) open -= 1;
  const closes = !isBroken && /^\s*[}>]/.test(doc.lineAt(at).text);
  return Math.max(0, own + (open > 0 ? 2 : 0) - (closes ? 2 : 0));
});

/** The editor in an element. `page` answers, and is told of changes. */
export function textEditor(parent, page) {
  const hover = async (view, at) => {
    const { doc } = view.state, found = view.state.field(explained) ? null : await page.ask("hover", { at });
    return found?.markdown && view.state.doc.eq(doc) ? asked(found, view) : null;
  };
  const complete = async (context) => {
    const isBegun = Boolean(context.matchBefore(/[\w"./]+/));
    const isBehind = !isBegun && !context.explicit; // a word and a blank: attributes may come
    if (isBehind && !context.matchBefore(/[^\s{;|<:][ \t]/)) return null;
    const found = await page.ask("complete", { at: context.pos });
    const items = (found?.items ?? []).filter(({ kind }) => !isBehind || kind === "attribute");
    if (!items.length || context.aborted) return null;
    const isMore = (typed) => context.explicit || !isWhole(items, typed);
    if (!isMore(context.state.sliceDoc(items[0].start, items[0].end))) return null;
    return {
      from: items[0].start,
      to: items[0].end,
      validFor: isBehind ? undefined : (typed) => /^\w*$/.test(typed) && isMore(typed),
      options: items.map(option),
    };
  };
  const explain = (view) => {
    const at = view.state.selection.main.head, { doc } = view.state;
    page.ask("hover", { at }).then((found) => {
      if (found?.markdown && view.state.doc.eq(doc)) view.dispatch({ effects: [closeHoverTooltips, setExplained.of(asked(found, view, at))] });
    });
    return true;
  };
  const define = (view, at = view.state.selection.main.head) => {
    page.ask("definition", { at }).then((found) => {
      if (found?.text !== undefined) page.showUsed(found);
      else if (found?.end !== undefined) page.go([found.start, found.end], true);
      else if (found) page.say("there is no definition of this");
    });
    return true;
  };
  const hide = (view) => {
    const isOpen = view.state.field(explained) || hasHoverTooltips(view.state);
    if (isOpen) view.dispatch({ effects: [closeHoverTooltips, setExplained.of(null)] });
    return Boolean(isOpen);
  };
  // Escape lets the next Tab leave the editor, for those who have no mouse.
  const leave = (view) => {
    view.setTabFocusMode(4000);
    page.say("Tab now leaves the text");
    return true;
  };
  const view = new EditorView({
    parent,
    extensions: [
      lineNumbers(), highlightActiveLineGutter(), history(), drawSelection(), bracketMatching(), closedBelow, closeBrackets(),
      highlightActiveLine(), highlightSelectionMatches(), lintGutter(), indentUnit.of("  "),
      StreamLanguage.define(arch()), syntaxHighlighting(COLOURS),
      autocompletion({ override: [complete], icons: false, defaultKeymap: false }),
      indents, indentOnInput(), EditorState.languageData.of(() => [{ indentOnInput: /^\s*[}>]$/ }]),
      EditorView.domEventHandlers({
        mousedown: (event, view) => {
          if (event.button || !(event.ctrlKey || event.metaKey)) return false;
          const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
          if (at === null) return false;
          event.preventDefault();
          return define(view, at);
        },
      }),
      hoverTooltip(hover), explained, shapes, marked,
      keymap.of([
        { key: "Mod-s", run: () => page.save(), preventDefault: true },
        { key: "Shift-Alt-f", run: () => page.format() },
        { key: "F1", run: explain },
        { key: "F12", run: (view) => define(view) },
        { key: "Mod-.", run: () => page.cure() },
        { key: "Alt-Enter", run: () => page.cure() },
        { key: "Tab", run: acceptCompletion },
        { key: "Enter", run: enter },
        ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap,
        { key: "Escape", run: hide },
        { key: "Escape", run: leave },
        indentWithTab,
      ]),
      wrapping.of([]), writing.of([]),
      EditorView.contentAttributes.of({ "aria-label": "the network's text. F1 explains, F8 goes to the next mistake, Alt+Enter corrects it, F12 goes to a definition, Escape then Tab leaves" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) page.changed(update.changes.desc);
        if (update.docChanged || update.selectionSet) page.moved(update.state.selection.main.head);
      }),
    ],
  });
  return view;
}

/** The generated source: it can be read, and says which line was chosen. */
export function sourceView(parent, pick) {
  return new EditorView({
    parent,
    extensions: [
      lineNumbers(), drawSelection(), python(), syntaxHighlighting(COLOURS), EditorState.readOnly.of(true), marked,
      keymap.of([
        { key: "Enter", run: (view) => pick(view.state.doc.lineAt(view.state.selection.main.head).number, true) ?? true },
        ...searchKeymap, ...defaultKeymap,
      ]),
      EditorView.contentAttributes.of({ "aria-label": "PyTorch source, to be read. Enter goes to the statement that a line comes from" }),
      EditorView.domEventHandlers({
        click: (event, view) => {
          const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
          if (at !== null && view.state.selection.main.empty) pick(view.state.doc.lineAt(at).number, false);
        },
      }),
    ],
  });
}

/** A file that the text uses: it can be read. Escape calls `leave`. */
export function usedView(parent, leave) {
  return new EditorView({
    parent,
    extensions: [
      lineNumbers(), drawSelection(), StreamLanguage.define(arch()), syntaxHighlighting(COLOURS), EditorState.readOnly.of(true), marked,
      keymap.of([{ key: "Escape", run: leave }, ...searchKeymap, ...defaultKeymap]),
      EditorView.contentAttributes.of({ "aria-label": "a file that the text uses, to be read. Escape leads back" }),
    ],
  });
}

export const showShapes = (view, hints) => view.dispatch({ effects: setShapes.of(hints) });

export function markLines(view, lines, scroll) {
  const effects = [setMarked.of(lines)];
  if (scroll && lines.length && lines[0] <= view.state.doc.lines)
    effects.push(EditorView.scrollIntoView(view.state.doc.line(lines[0]).from, { y: "nearest", yMargin: 60 }));
  view.dispatch({ effects });
}

/** Put a text in place of the one there is: what is alike at both ends stays, and the cursor too. */
export function replaceAll(view, text) {
  const old = view.state.doc.toString(), most = Math.min(old.length, text.length);
  let head = 0, tail = 0;
  while (head < most && old[head] === text[head]) head++;
  while (tail < most - head && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail++;
  view.dispatch({ changes: { from: head, to: old.length - tail, insert: text.slice(head, text.length - tail) } });
}

const wrapping = new Compartment(), writing = new Compartment();

/** Let nobody change the text; it can be read and selected still. */
export const forReading = (view) => view.dispatch({ effects: writing.reconfigure(EditorState.readOnly.of(true)) });

/** Whether long lines go on below: on a phone. */
export const wrapLines = (view, wraps) => view.dispatch({ effects: wrapping.reconfigure(wraps ? EditorView.lineWrapping : []) });

/** Squiggles; each cure is a button in what the pointer, or F8, shows. */
export function showFindings(view, findings, cure) {
  const most = view.state.doc.length;
  const diagnostics = findings.map((found) => {
    const from = Math.min(found.start, most);
    return {
      from,
      to: Math.min(Math.max(found.end, from), most),
      severity: found.severity,
      message: found.more ? `${found.title}\n${found.more}` : found.title,
      actions: found.cures.map((each) => ({ name: each.title, apply: () => cure(each) })),
    };
  });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}
