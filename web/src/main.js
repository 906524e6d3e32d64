// The page of `archc edit` and of the playground: a text, and what archc says of it beside it.
import { around } from "./changes.js";
import { Diagram } from "./diagram.js";
import { divide } from "./divider.js";
import {
  forReading, markLines, replaceAll, showFindings, showShapes, sourceView, textEditor, usedView, wrapLines,
} from "./editor.js";
import { pack, unpack } from "./link.js";
import { element } from "./markdown.js";
import { Gone, Served, Worked } from "./transport.js";

const SOON = 80; // milliseconds after a key until archc is asked
const LATER = 700; // until mistakes on other lines than the one that is typed are shown
const LEFT = "The others have buttons of their own, or are yours to mend.";
const VIEWS = ["text", "diagram", "numbers", "pytorch"];

const $ = (id) => document.getElementById(id);
const isServed = document.documentElement.dataset.served === "yes";
const narrow = matchMedia("(max-width: 760px)");
const dark = matchMedia("(prefers-color-scheme: dark)");

// --- who answers ------------------------------------------------------------------------------

function secret() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("archc", given);
    history.replaceState(null, "", location.pathname);
  }
  return given || sessionStorage.getItem("archc") || "";
}

const transport = isServed ? new Served(secret()) : new Worked();

/** Ask about the text as it is now; null where there is no answer. */
async function ask(name, more = {}) {
  try {
    const answer = await transport.ask(name, { text: text(), ...more });
    isThere(true);
    settle(`answer to ${name}`);
    return answer;
  } catch (error) {
    if (error instanceof Gone) gone(error);
    else notice(error.message, [], `answer to ${name}`);
    return null;
  }
}

/** Whether somebody answers: what is shown is of an older text else, and grey. */
function isThere(there) {
  document.body.classList.toggle("gone", !there);
  if (there) settle("gone");
}

/** Nobody answers any more: the text is kept, for the next page of this file as well. */
function gone(error) {
  isThere(false);
  if (isDirty()) sessionStorage.setItem("archc text", JSON.stringify([fileName, text()]));
  notice(error.message, [["Copy the text", copyText]], "gone");
}

// --- the text ---------------------------------------------------------------------------------

let seen = null; // the digest of the file as this page knows it
let saved = ""; // the text that is in it
let shows = false; // the file is shown, not edited
let told = null; // the digest of what it was heard to be
let fileName = "network.arch";
let looked = null; // the last answer to `look`
let lookedAt = ""; // and the text that it is about
let chosen = "diagram";
let typing = 0, settling = 0, isBusy = false, isStale = false, cursor = 0;

const view = textEditor($("editor"), {
  ask, save, format, say, cure, showUsed,
  go: (place, focus) => go(place, focus),
  changed: (changes) => {
    for (const name of Object.keys(since)) since[name] = since[name] ? since[name].composeDesc(changes) : changes;
    settle("text");
    isStale = true;
    clearTimeout(typing);
    typing = setTimeout(refresh, SOON);
    dress();
    if (!isServed) keepLink();
  },
  moved: (at) => {
    cursor = statementAt(at);
    diagram?.follow(before("diagram", cursor));
    followSource();
    takes();
  },
});
const source = sourceView($("pytorch"), (line, focus) => {
  const places = shown.pytorch?.origins[line];
  if (places) go(now("pytorch", places[0]), focus || !narrow.matches);
});
const diagram = new Diagram($("diagram"), (place, focus = !narrow.matches) => go(now("diagram", place), focus));

/** The nearest offset that may be in a statement: not in the indent, nor in a comment behind it. */
function statementAt(at) {
  const { from, text: line } = view.state.doc.lineAt(at), code = line.replace(/\s*(#.*)?$/, "");
  return Math.max(Math.min(at, from + code.length), from + Math.min(line.search(/\S|$/), code.length));
}

const text = () => view.state.doc.toString();

/** Where a place is now that a view shows of the text that it was asked for; null where it is no more. */
function now(name, [start, end]) {
  const place = [since[name]?.mapPos(start, 1) ?? start, since[name]?.mapPos(end, -1) ?? end];
  return place[0] < place[1] || start === end ? place : null;
}

/** Where an offset of the text was when a view was asked for. */
const before = (name, at) => since[name]?.invertedDesc.mapPos(at) ?? at;

/** Select a place; a null is nowhere. */
function go(place, focus) {
  if (!place) return say("this is no longer in the text");
  const [start, end] = place, most = view.state.doc.length;
  hideUsed();
  if (focus && narrow.matches) choose("text");
  view.dispatch({ selection: { anchor: Math.min(end, most), head: Math.min(start, most) }, scrollIntoView: true });
  if (focus) view.focus();
}

// A file that the text uses is read in the place of the text.
let used = null;

function showUsed({ name, text: there, start, end }) {
  used ??= usedView($("usedtext"), () => hideUsed(true));
  $("usedname").textContent = name;
  $("used").hidden = false;
  $("editor").hidden = true;
  replaceAll(used, there);
  used.dispatch({ selection: { anchor: end, head: start }, scrollIntoView: true });
  markLines(used, [used.state.doc.lineAt(start).number], true);
  used.focus();
}

function hideUsed(focus = false) {
  if ($("used").hidden) return false;
  $("used").hidden = true;
  $("editor").hidden = false;
  view.requestMeasure();
  if (focus) view.focus();
  return true;
}

/** Make changes of a text, if it is that text still. */
function apply(changes, of) {
  if (!changes?.length || shows || text() !== of) return false;
  const before = view.state.selection.main.head;
  view.dispatch({ changes: around(view.state.doc, before, changes), userEvent: "input.fix" });
  const { head } = view.state.selection.main, line = view.state.doc.lineAt(head);
  const isGone = changes.some(({ start, end, text: insert }) => start <= before && before < end && !insert);
  if (isGone && head === line.from && head) view.dispatch({ selection: { anchor: head - 1 } }); // the line is: stay behind the one above
  return true;
}

// --- asking, one question at a time and for the newest text -----------------------------------

const shown = { text: {}, diagram: null, numbers: null, pytorch: null };
const shownFor = {}; // of each view the text that it shows
let good = ""; // the last text without mistakes
const since = { look: null, good: null, diagram: null, numbers: null, pytorch: null }; // and how the text has changed since

async function refresh() {
  if (isBusy) return;
  isBusy = true;
  try {
    while (isStale) {
      isStale = false;
      const asked = text(), answer = await ask("look");
      if (!answer) break;
      if (asked !== text()) {
        isStale = true;
        continue;
      }
      takeLook(answer, asked);
      await refreshView(asked);
    }
  } finally {
    isBusy = false;
  }
}

/** The view that is chosen, for the text; where it has mistakes the last good one stays, greyed. */
async function refreshView(asked = text()) {
  const name = chosen === "text" ? "diagram" : chosen;
  if (!looked) return;
  const isGood = looked.ok && looked.network, of = isGood ? asked : good;
  if (!of || (!isGood && name in shownFor)) return trouble();
  if (shownFor[name] !== of || (name === "diagram" && shown.theme !== theme())) {
    const answer = await ask(name, { text: of, ...(name === "diagram" ? { theme: theme() } : {}) });
    if (!answer || asked !== text()) return;
    if (!answer.why) {
      shown[name] = answer;
      shownFor[name] = of;
      since[name] = isGood ? null : since.good;
      shown.theme = name === "diagram" ? theme() : shown.theme;
      try {
        await SHOW[name](answer);
      } catch (error) {
        answer.why = `The diagram could not be drawn: ${error.message}`;
      }
    }
    if (isGood) looked.why = answer.why;
  }
  trouble();
  document.documentElement.dataset.ready = "1";
}

const theme = () => (dark.matches ? "dark" : "light");

function takeLook(answer, asked) {
  const earlier = looked?.findings ?? [];
  looked = answer;
  lookedAt = asked;
  since.look = null;
  if (answer.ok && answer.network) [good, since.good] = [asked, null];
  if (!asked.trim()) clear();
  showShapes(view, answer.hints);
  $("name").textContent = answer.network ? answer.heading : fileName;
  $("totals").textContent = answer.totals || $("totals").textContent;
  $("totals").classList.toggle("stale", !answer.totals);
  offerToMend(answer);
  // What is half typed is wrong all over: at once only what is on its line, or was there before.
  clearTimeout(settling);
  const line = view.state.doc.lineAt(view.state.selection.main.head).number;
  const known = new Set(earlier.map((found) => found.code + found.title));
  const near = answer.findings.filter((found) => found.line === line || known.has(found.code + found.title));
  if (near.length < answer.findings.length && typing) {
    list(near);
    settling = setTimeout(() => {
      if (looked === answer) {
        list(answer.findings);
        trouble();
      }
    }, LATER);
  } else list(answer.findings);
  trouble();
  if (!answer.ok || !answer.network) document.documentElement.dataset.ready = "1";
}

/** The button that makes all sure corrections says how many of the mistakes they are, and which. */
function offerToMend({ sure, findings }) {
  const button = $("mend"), isAll = sure === findings.length;
  button.hidden = !sure || shows;
  button.textContent = isAll && sure === 1 ? "Fix" : isAll ? `Fix ${sure}` : `Fix ${sure} of ${findings.length}`;
  const made = findings.flatMap(({ line, cures }) => cures.filter(({ safe }) => safe).slice(0, 1).map(({ title }) => `line ${line}: ${title}`));
  button.title = ["make all corrections that are sure:", ...made, ...(isAll ? [] : [LEFT])].join("\n");
}

/** Nothing is written: nothing is shown. */
function clear() {
  good = "";
  for (const name of Object.keys(SHOW)) {
    delete shownFor[name];
    shown[name] = null;
  }
  diagram.clear();
  $("numbers").replaceChildren();
  replaceAll(source, "");
  $("totals").textContent = "";
}

// --- mistakes ---------------------------------------------------------------------------------

let listed = [];

function list(findings) {
  listed = findings;
  const of = lookedAt;
  showFindings(view, findings, (cure) => apply(cure.changes, of));
  $("findings").firstElementChild.replaceChildren(...findings.map(finding));
  $("findings").hidden = !findings.length;
}

function finding(found) {
  const item = element("li", found.severity);
  const head = element("button", "where");
  head.type = "button";
  head.append(element("b", "", `line ${found.line}`), ` ${found.title} `, element("small", "", found.code));
  head.setAttribute("aria-label", `${found.severity} on line ${found.line}: ${found.title}`);
  head.onclick = () => go(now("look", [found.start, found.end]), true);
  item.append(head);
  for (const line of found.more.split("\n")) if (line) item.append(element("p", "", line));
  for (const place of found.related) item.append(related(place));
  item.append(cures(found));
  return item;
}

function related(place) {
  const line = element("p"), link = element("button", "link", `${place.path ?? `line ${place.line}`}: ${place.text}`);
  link.type = "button";
  link.onclick = () => (place.path ? showUsed(place.used) : go(now("look", [place.start, place.end]), true));
  if (place.path && place.used.text === undefined) line.append(link.textContent);
  else line.append(link);
  return line;
}

function cures(found) {
  const row = element("span", "cures"), of = lookedAt;
  if (shows) return row;
  for (const cure of found.cures) {
    const button = element("button", "cure", cure.title);
    button.type = "button";
    button.onclick = () => {
      apply(cure.changes, of);
      view.focus();
    };
    row.append(button);
  }
  return row;
}

/** Make the correction of the mistake at the cursor; of several, lead to their buttons. */
function cure() {
  const { head } = view.state.selection.main, { from, to } = view.state.doc.lineAt(head);
  const near = ([start, end]) => (start <= head && head <= end ? 2 : start <= to && from <= end ? 1 : 0);
  const places = listed.map((found) => (found.cures.length ? near(now("look", [found.start, found.end]) ?? [-1, -1]) : 0));
  const at = places.indexOf(Math.max(...places, 1));
  if (shows || at < 0) say("there is no correction of this line");
  else if (listed[at].cures.length === 1) apply(listed[at].cures[0].changes, lookedAt);
  else $("findings").querySelectorAll("li")[at].querySelector(".cure").focus();
  return true;
}

/** Above the view: why it is not of this text. */
function trouble() {
  const wrong = looked.findings.find((found) => found.severity === "error" && listed.includes(found))
    ?? listed.find((found) => found.severity === "error");
  const isOld = !looked.ok || !looked.network || Boolean(looked.why);
  $("views").classList.toggle("stale", isOld);
  const box = $("trouble");
  box.hidden = !(wrong || (looked.ok && isOld));
  box.className = wrong ? "" : "hint";
  if (box.hidden) return;
  if (wrong) {
    const head = element("button", "where");
    head.type = "button";
    head.append(element("b", "", `line ${wrong.line}`), ` ${wrong.title}`);
    head.onclick = () => go(now("look", [wrong.start, wrong.end]), true);
    const help = wrong.more.split("\n").find((line) => line.startsWith("help: "));
    box.replaceChildren(head, ...(help ? [element("p", "", help.slice(6))] : []), cures(wrong));
  } else box.replaceChildren(element("p", "", looked.why), ...(looked.beginning && !shows ? [beginning(looked.beginning)] : []));
}

/** The way to begin, where there is nothing yet. */
function beginning({ title, changes }) {
  const button = element("button", "cure", title), of = lookedAt;
  button.type = "button";
  button.onclick = () => {
    if (!apply(changes, of)) return;
    view.dispatch({ selection: { anchor: view.state.doc.length } });
    view.focus();
  };
  return button;
}

// --- views ------------------------------------------------------------------------------------

const SHOW = {
  diagram: async ({ model }) => {
    await diagram.show(model);
    diagram.follow(before("diagram", cursor));
  },
  numbers: showNumbers,
  pytorch: ({ text: made }) => {
    if (source.state.doc.toString() !== made) replaceAll(source, made);
    followSource();
  },
};

function showNumbers({ columns, rows, head, foot }) {
  const table = element("table"), caption = element("caption", "", head);
  const top = element("tr");
  for (const { heading, means, numeric } of columns) {
    const cell = element("th", numeric ? "number" : "", heading);
    cell.scope = "col";
    cell.title = means;
    cell.dataset.column = heading;
    top.append(cell);
  }
  const body = element("tbody");
  for (const { cells, level, strong, at } of rows) {
    const row = element("tr", strong ? "strong" : "");
    cells.forEach((value, column) => {
      const cell = element(column ? "td" : "th", columns[column].numeric ? "number" : "");
      cell.dataset.column = columns[column].heading;
      if (!column) {
        cell.scope = "row";
        cell.style.setProperty("--level", level);
      }
      if (!column && at.length) {
        const link = element("button", "link");
        link.append(...value.split(/(?<=\.)/).flatMap((part) => [part, element("wbr")])); // a name may go on below
        link.type = "button";
        link.onclick = () => go(now("numbers", at[0]), true);
        cell.append(link);
      } else cell.textContent = value;
      row.append(cell);
    });
    body.append(row);
  }
  const headings = element("thead");
  headings.append(top);
  table.append(caption, headings, body);
  $("numbers").replaceChildren(table, ...foot.map((line) => element("p", "", line)));
}

/** The lines of PyTorch that come from the statement at the cursor. */
function followSource() {
  if (!shown.pytorch) return;
  let best = Infinity, lines = [];
  const at = before("pytorch", cursor);
  for (const [line, places] of Object.entries(shown.pytorch.origins))
    for (const [start, end] of places)
      if (start <= at && at <= end && end - start <= best) {
        if (end - start < best) lines = [];
        best = end - start;
        lines.push(Number(line));
      }
  markLines(source, [...new Set(lines)].sort((a, b) => a - b), chosen === "pytorch" && view.hasFocus);
}

let taking = 0;
function takes() {
  clearTimeout(taking);
  taking = setTimeout(async () => {
    if (!looked || isBusy) return;
    const found = await ask("signature", { at: view.state.selection.main.head }), line = $("takes");
    line.replaceChildren();
    if (!found?.text) return;
    const code = element("code");
    code.append(found.text.slice(0, found.begin), element("b", "", found.text.slice(found.begin, found.end)), found.text.slice(found.end));
    line.append(code, ` ${found.doc}`);
  }, 250);
}

function choose(name, focus = false) {
  chosen = name;
  for (const each of VIEWS) {
    const tab = $(`tab-${each}`), isChosen = each === name;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    if (each !== "text") $(each).hidden = !isChosen;
    if (isChosen && focus) tab.focus();
  }
  document.body.dataset.view = name;
  refreshView();
  followSource();
}

function watchTabs() {
  const tabs = () => VIEWS.filter((name) => name !== "text" || narrow.matches);
  for (const name of VIEWS) {
    $(`tab-${name}`).onclick = () => choose(name);
    $(`tab-${name}`).onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const all = tabs();
      choose(all[(all.indexOf(name) + step + all.length) % all.length], true);
    };
  }
  const fit = () => {
    wrapLines(view, narrow.matches);
    if (narrow.matches) choose("text");
    else if (chosen === "text") choose("diagram");
  };
  narrow.addEventListener("change", fit);
  fit();
}

// --- what the buttons do ----------------------------------------------------------------------

function format() {
  const of = text();
  ask("format").then((found) => {
    if (!found || of !== text()) return;
    say(apply(found.changes, of) ? "laid out" : "the text is laid out already");
  });
  return true;
}

function save() {
  if (shows) return true;
  if (!isServed) {
    say("there is no file: Download and Copy link keep the text");
    return true;
  }
  saveOver(seen);
  return true;
}

async function saveOver(digest) {
  const typed = text(), answer = await ask("save", { seen: digest });
  if (!answer) return;
  if (answer.conflict) conflict(answer.conflict);
  else if (answer.why) notice(answer.why, [["Copy the text", copyText]], "file");
  else {
    [seen, saved, told] = [answer.digest, typed, answer.digest];
    settle("file");
    say(`saved ${fileName}`);
    dress();
    isStale = true; // what `expect` says counts now
    refresh();
  }
}

/** The file is not as it was: nothing is lost, whichever way out is taken. */
function conflict({ text: there, digest }) {
  notice(digest ? `${fileName} has changed on the disk since you opened it.` : `${fileName} is not there any more.`, [
    ...(digest ? [["Take the file's text", () => takeFile(there, digest)]] : []),
    [digest ? "Overwrite it with mine" : "Write it again", () => saveOver(digest)],
  ], "file");
}

/** The text on the disk, as a change that can be undone. */
function takeFile(there, digest) {
  replaceAll(view, there);
  [seen, saved, told] = [digest, text(), digest];
  settle("file");
  dress();
  say(`${fileName} as it is on the disk`);
}

/** Hear of changes on the disk for as long as somebody answers. */
async function watchFile() {
  let failed = 0;
  told = seen;
  while (failed < 3) {
    try {
      const found = await transport.ask("wait", { seen: told });
      failed = 0;
      isThere(true);
      if (found.used) {
        isStale = true;
        for (const name of VIEWS) delete shownFor[name];
        refresh();
      }
      if (!found.file) continue;
      told = found.file.digest;
      if (told === seen) settle("file"); // it is as it was
      else if (text() === found.file.text && told) {
        [seen, saved] = [told, found.file.text];
        settle("file");
      } else if (text() === saved && told) takeFile(found.file.text, told);
      else conflict(found.file);
      dress();
    } catch (error) {
      failed += 1;
      if (error instanceof Gone && (failed === 3 || error.isForGood)) return gone(error);
      if (failed === 3) return notice(error.message, [["Copy the text", copyText]]);
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }
}

/** Another archc edits the file, at this port: its address was opened in this page. */
async function reconnect() {
  if (!location.hash) return;
  transport.secret = secret();
  if (seen === null) return location.reload();
  let file;
  try {
    file = await transport.ask("open");
  } catch (error) {
    return gone(error);
  }
  if (file.why || file.name !== fileName) return location.reload();
  isThere(true);
  dropKept();
  watchFile();
  isStale = true;
  refresh();
}

/** What was typed into this file until archc ended, if this page has not got it. */
function offerKept() {
  const [name, kept] = JSON.parse(sessionStorage.getItem("archc text") ?? "[]");
  if (name !== fileName || kept === text() || shows) return;
  notice("What you typed before archc ended is kept here.", [
    ["Bring it back", () => {
      replaceAll(view, kept);
      dropKept();
      notice("");
    }],
    ["Throw it away", () => {
      dropKept();
      notice("");
    }],
  ], "kept");
}

const dropKept = () => sessionStorage.removeItem("archc text");

const isDirty = () => isServed && seen !== null && (text() !== saved || seen === "");

function dress() {
  $("save").textContent = isDirty() ? "Save •" : "Save";
  document.title = `${isDirty() ? "• " : ""}${isServed ? fileName : "archc playground"}`;
}

function download(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  say(`downloaded ${name}`);
}

async function downloadAs(kind) {
  const name = looked?.name || "network";
  if (kind === "arch") return download(isServed ? fileName : `${name}.arch`, text(), "text/plain");
  if (!looked?.ok || !looked.network) return notice("A text with mistakes has no diagram and no PyTorch yet.", [], "text");
  if (kind === "py") {
    const answer = await ask("pytorch");
    if (answer?.text) download(`${name}.py`, answer.text, "text/x-python");
  } else {
    if (shownFor.diagram !== text()) {
      const answer = await ask("diagram", { theme: theme() });
      if (answer?.model) await diagram.show(answer.model);
    }
    if (kind === "svg") download(`${name}.svg`, diagram.text(), "image/svg+xml");
    else download(`${name}.png`, await diagram.png());
  }
}

async function copyText() {
  await navigator.clipboard.writeText(text());
  say("copied");
}

// --- links (the playground) -------------------------------------------------------------------

let bundled = null, linking = 0, example = "";

async function fragment() {
  return example && bundled.texts[example] === text() ? `net=${example}` : `code=${await pack(text())}`;
}

/** The address holds the text, so that a reload loses nothing. */
function keepLink() {
  clearTimeout(linking);
  linking = setTimeout(async () => {
    if (bundled) history.replaceState(null, "", `#${await fragment()}`);
  }, 500);
}

async function linked() {
  notice("");
  const [key, value] = location.hash.slice(1).split(/=(.*)/s);
  try {
    if (key === "code") return await unpack(value);
    if (key === "net" && Object.hasOwn(bundled.texts, value)) {
      example = value;
      return bundled.texts[value];
    }
    if (key) notice(key === "net" ? `no bundled network is called ${value}` : "this link holds no text");
  } catch {
    notice("this link is damaged: it holds no text");
  }
  return bundled.start;
}

async function share() {
  const address = `${location.href.split("#")[0]}#${await fragment()}`;
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address);
    say("the link is copied");
  } catch {
    notice("The link is in the address bar now.", [], "text");
  }
}

// --- examples ---------------------------------------------------------------------------------

const plain = (words) => words.replace(/[\W_]/g, ""); // ResNet50FPN is resnet50_fpn

/** How near an example is to what is wanted: its name, one that begins so, one that has it; Infinity where it has not. */
function distance(name, family, wanted) {
  const own = plain(name), short = plain(wanted);
  if (short && own === short) return 0;
  if (short && own.startsWith(short)) return 1;
  if (short && own.includes(short)) return 2;
  return `${name} ${family}`.toLowerCase().includes(wanted) ? 3 : Infinity;
}

/** The families with an example that is wanted, and those; the nearest come first. */
function nearest(families, wanted) {
  const found = families.map(({ family, names }) => {
    const far = new Map(names.map((name) => [name, distance(name, family, wanted)]));
    const kept = names.filter((name) => far.get(name) < Infinity).sort((a, b) => far.get(a) - far.get(b));
    return { family, names: kept, least: far.get(kept[0]) };
  });
  return found.filter(({ names }) => names.length).sort((a, b) => a.least - b.least);
}

function noExample(wanted) {
  const line = element("p", "none", `There is no example called ${wanted}.`);
  line.setAttribute("role", "status");
  return line;
}

function fillExamples(families) {
  const chooser = $("chooser"), wanted = $("wanted"), list = $("networks");
  const fill = () => {
    const words = wanted.value.trim().toLowerCase(), found = words ? nearest(families, words) : families;
    list.replaceChildren();
    if (!found.length) list.append(noExample(wanted.value.trim()));
    for (const { family, names } of found) {
      const row = element("p"), buttons = element("span");
      row.append(element("b", "", family), buttons);
      for (const name of names) {
        const button = element("button", "link", name);
        button.type = "button";
        button.onclick = () => {
          chooser.close();
          openExample(name);
        };
        buttons.append(button);
      }
      list.append(row);
    }
  };
  wanted.oninput = fill;
  wanted.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (wanted.value) list.querySelector("button")?.click();
  };
  $("examples").onclick = () => {
    wanted.value = "";
    fill();
    chooser.showModal();
    wanted.focus();
  };
}

async function openExample(name) {
  const found = bundled ? { text: bundled.texts[name] } : await ask("example", { name });
  if (!found) return;
  if (found.why) return notice(found.why, [], "text");
  if (bundled) { // what was there is the page before
    clearTimeout(linking);
    history.replaceState(null, "", `#${await fragment()}`);
    history.pushState(null, "", `#net=${name}`);
  }
  example = name;
  hideUsed();
  replaceAll(view, found.text);
  view.dispatch({ selection: { anchor: 0 }, scrollIntoView: true });
  say(`${name} is in the editor; Undo brings back what was there`);
  view.focus();
}

// --- what is said -----------------------------------------------------------------------------

let saying = 0;
function say(message) {
  clearTimeout(saying);
  $("said").textContent = message;
  saying = setTimeout(() => { $("said").textContent = ""; }, 4000);
}

let noticed = "";

/** Say what stays until it is closed, or its cause is gone: `about` is what is told to `settle` then. */
function notice(message, ways = [], about = "") {
  const box = $("notice");
  noticed = message ? about : "";
  box.hidden = !message;
  if (!message) return;
  const close = element("button", "close", "×");
  close.setAttribute("aria-label", "close this notice");
  close.onclick = () => notice("");
  const buttons = ways.map(([name, act]) => {
    const button = element("button", "", name);
    button.onclick = act;
    return button;
  });
  box.replaceChildren(element("span", "", message), ...buttons, close);
}

/** The cause of a notice is gone: the text has changed, the answer came, the file is as it should be. */
function settle(about) {
  if (noticed === about) notice("");
}

// --- start ------------------------------------------------------------------------------------

async function start() {
  watchTabs();
  divide($("divider"));
  $("format").onclick = format;
  $("save").onclick = save;
  $("share").onclick = share;
  $("back").onclick = () => hideUsed(true);
  $("mend").onclick = async () => {
    const of = text();
    apply((await ask("mend"))?.changes, of);
    view.focus();
  };
  const menu = $("download");
  for (const button of menu.querySelectorAll("button"))
    button.onclick = () => {
      menu.open = false;
      downloadAs(button.dataset.kind);
    };
  menu.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.firstElementChild.focus();
  };
  window.addEventListener("pointerdown", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
  dark.addEventListener("change", () => refreshView());
  window.addEventListener("beforeunload", (event) => { if (isDirty() && text() !== saved) event.preventDefault(); });
  list([]);
  if (isServed) {
    window.addEventListener("hashchange", reconnect);
    const file = await transport.ask("open");
    if (file.why) throw new Error(file.why);
    [fileName, seen, shows] = [file.name, file.digest, file.shows];
    if (shows) {
      forReading(view);
      for (const name of ["save", "format", "examples"]) $(name).hidden = true;
    }
    $("save").hidden = shows;
    replaceAll(view, file.text);
    saved = text(); // as CodeMirror has it, whatever ends its lines
    offerKept();
    fillExamples((await transport.ask("examples", { text: "" })).families);
    watchFile();
  } else {
    $("share").hidden = false;
    bundled = await (await fetch("bundled.json")).json();
    replaceAll(view, await linked());
    fillExamples(bundled.families);
    window.addEventListener("hashchange", async () => replaceAll(view, await linked()));
    say("Python is loading…");
    await transport.ready;
    say("ready");
  }
  view.dispatch({ selection: { anchor: 0 } });
  clearTimeout(typing);
  typing = 0;
  isStale = true;
  dress();
  await refresh();
}

start().catch((error) => {
  const isOld = error instanceof Gone && error.isForGood;
  notice(isOld ? "This page belongs to an archc that has ended: open the address that `archc edit` prints." : error.message);
});
