// The diagram: DOT pieces that archc wrote, put together for what is open, laid out by Graphviz in
// a worker, and kept in its place while the text changes.
import { element } from "./markdown.js";

const CLICK = 4; // pixels that a pointer may move and still has clicked

/** Lays out one DOT at a time, and only the newest of those that wait. */
class Layout {
  constructor(worker) {
    this.worker = worker;
    this.last = 0;
    this.waiting = null;
    this.worker.onmessage = ({ data }) => {
      const [resolve, reject] = this.busy;
      this.busy = null;
      if (data.failed) reject(new Error(data.failed));
      else resolve(data.svg);
      this.next();
    };
    this.busy = null;
  }

  /** The SVG of a DOT; null where a newer one has come before it was begun. */
  draw(dot) {
    return new Promise((resolve, reject) => {
      this.waiting?.[1](null);
      this.waiting = [dot, resolve, reject];
      this.next();
    });
  }

  next() {
    if (this.busy || !this.waiting) return;
    const [dot, resolve, reject] = this.waiting;
    this.waiting = null;
    this.busy = [resolve, reject];
    this.worker.postMessage({ id: ++this.last, dot });
  }
}

export class Diagram {
  /** In an element; `pick` is told the place in the text of what was chosen, and by a key whether
   * the text is to have the focus. `worker` runs layout.js. */
  constructor(root, pick, worker = new Worker("layout.js")) {
    this.root = root;
    this.pick = pick;
    this.layout = new Layout(worker);
    this.model = null;
    this.items = new Map();
    this.parents = new Map();
    this.open = new Map(); // which boxes are open, by their names: kept while the text changes
    this.hits = [];
    this.hit = 0;
    this.drawn = "";
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.fits = "width"; // how the drawing is fitted into the window; "" since a hand has moved it
    this.about = element("div", "about");
    this.about.setAttribute("role", "tooltip");
    this.about.hidden = true;
    document.body.append(this.about);
    this.build();
  }

  // --- what is there ------------------------------------------------------------------------

  build() {
    const bar = element("div", "tools");
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "diagram");
    const button = (text, title, act) => {
      const made = element("button", "", text);
      made.type = "button";
      made.title = title;
      made.setAttribute("aria-label", title);
      made.onclick = act;
      bar.append(made);
      return made;
    };
    button("−", "smaller (-)", () => this.zoom(0.8));
    button("+", "larger (+)", () => this.zoom(1.25));
    this.fitting = button("fit", "fit the diagram into the window, and keep it fitted (f)", () => this.fit("all"));
    button("close", "close all blocks (c)", () => this.openAll(false));
    button("open", "open all blocks (e)", () => this.openAll(true));
    this.search = element("input");
    Object.assign(this.search, { type: "search", placeholder: "search (/)", size: 11, spellcheck: false });
    this.search.setAttribute("aria-label", "search the diagram");
    this.found = element("output");
    bar.append(this.search, this.found);
    this.view = element("div", "view");
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "group");
    this.view.setAttribute("aria-label", "diagram: arrows move it, + and - zoom, Tab goes from card to card, Enter shows a card's text");
    this.bar = bar;
    this.root.append(bar, this.view);
    this.search.oninput = () => this.look();
    this.search.onkeydown = (event) => this.searchKey(event);
    this.watchPointers();
    this.view.addEventListener("keydown", (event) => this.key(event));
    let width = 0;
    new ResizeObserver(() => { // its tab is shown, the window or the column is another
      if (this.view.clientWidth === width) return;
      width = this.view.clientWidth;
      this.fit();
    }).observe(this.view);
  }

  /** Show a network. What was open stays open, and the view where a hand has put it. */
  async show(model) {
    const isNew = this.model?.name !== model.name;
    if (isNew) this.open.clear();
    this.model = model;
    this.items.clear();
    this.parents.clear();
    this.index(model.items, null);
    const closed = new Set(model.closed);
    for (const item of this.items.values())
      if (item.items && !this.open.has(item.id)) this.open.set(item.id, !closed.has(item.k));
    if (isNew) this.fits = "width";
    if (await this.draw()) this.fit();
  }

  clear() {
    [this.model, this.svg, this.drawn] = [null, null, ""];
    this.items.clear();
    this.view.replaceChildren();
  }

  index(list, parent) {
    for (const item of list) {
      this.items.set(item.k, item);
      this.parents.set(item.k, parent);
      if (item.items) this.index(item.items, item);
    }
  }

  isOpen(item) {
    return this.open.get(item.id);
  }

  /** What stands for an item: itself, or the outermost closed box around it. */
  shown(item) {
    let stands = item;
    for (let box = this.parents.get(item.k); box; box = this.parents.get(box.k))
      if (!this.isOpen(box)) stands = box;
    return stands;
  }

  // --- DOT ----------------------------------------------------------------------------------

  dot() {
    const { graph, items, edges } = this.model;
    return `digraph {\n${graph}\n${this.nodes(items, null)}${this.edges(edges)}}`;
  }

  nodes(list, parent) {
    let text = "";
    for (const item of list) {
      if (item.frame) text += `subgraph cluster_${item.k} { graph [${item.frame}]; n${item.k} [${item.dot}] }\n`;
      else if (!item.items) text += `n${item.k} [id="n${item.k}", ${item.dot}];\n`;
      else if (!this.isOpen(item)) text += `n${item.k} [id="n${item.k}", ${item.shut}];\n`;
      else
        text += `subgraph cluster_${item.k} { graph [id="c${item.k}", ${item.cluster}];\n`
          + `n${item.k} [id="n${item.k}", ${item.header}];\n${this.nodes(item.items, item)}}\n`;
    }
    for (const level of this.model.levels)
      if (level.every((k) => this.parents.get(k) === parent && !this.items.get(k).items))
        text += `{rank=same; ${level.map((k) => `n${k}`).join("; ")}}\n`;
    return text;
  }

  edges(list) {
    const lines = new Set();
    for (const [tail, head, open, shut] of list) {
      const [a, b] = [this.items.get(tail), this.items.get(head)];
      const [from, to] = [this.shown(a), this.shown(b)];
      const isClosed = (item) => item.items && !this.isOpen(item);
      const whole = from === a && to === b && !isClosed(a) && !isClosed(b);
      if (from === to || (!whole && shut === null)) continue;
      lines.add(`n${from.k} -> n${to.k} [${whole ? open : shut}];\n`);
    }
    return [...lines].join("");
  }

  // --- drawing ------------------------------------------------------------------------------

  /** Draw what is open; false where the drawing is the one that is there, or a newer one comes. */
  async draw(anchor = null) {
    const dot = this.dot();
    if (dot === this.drawn) {
      this.mark();
      return false;
    }
    const svg = await this.layout.draw(dot);
    if (svg === null) return false;
    const before = anchor && this.node(anchor)?.getBoundingClientRect();
    const focused = this.view.contains(document.activeElement) ? document.activeElement.id : "";
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    for (const script of parsed.querySelectorAll("script")) script.remove();
    this.drawn = dot;
    this.svg = document.importNode(parsed, true);
    this.svg.setAttribute("role", "group");
    this.svg.setAttribute("aria-label", this.model.description);
    this.view.replaceChildren(this.svg);
    this.place();
    for (const each of this.svg.querySelectorAll(".node, .cluster")) this.dress(each);
    if (before) { // what was clicked stays under the pointer
      const after = this.node(anchor).getBoundingClientRect();
      this.x += before.left + before.width / 2 - after.left - after.width / 2;
      this.y += before.top - after.top;
      this.place();
    }
    if (focused) this.view.querySelector(`#${CSS.escape(focused)}`)?.focus({ preventScroll: true });
    this.mark();
    return true;
  }

  node(item) {
    return this.view.querySelector(`#n${item.k}`);
  }

  /** What is drawn around an item: the frame of an open box. */
  frame(item) {
    return this.view.querySelector(`#c${item.k}`) ?? this.node(item);
  }

  dress(each) {
    const k = Number(each.id.slice(1));
    if (!this.items.has(k)) return;
    const item = () => this.items.get(k);
    for (const title of each.querySelectorAll("title")) title.remove();
    for (const link of each.querySelectorAll("a")) link.removeAttribute("xlink:title");
    each.onpointermove = (event) => { if (!this.from) this.tell(item(), event.clientX, event.clientY); };
    each.onpointerleave = () => { this.about.hidden = true; };
    if (item().items) each.classList.add("box");
    if (each.classList.contains("node")) {
      each.setAttribute("tabindex", "0");
      each.setAttribute("role", "button");
      each.setAttribute("aria-label", [item().id, ...item().about.source, ...item().about.facts].join(". "));
      if (item().items) each.setAttribute("aria-expanded", String(this.isOpen(item())));
      each.onfocus = () => {
        if (!each.matches(":focus-visible")) return;
        this.into(each);
        const at = each.getBoundingClientRect();
        this.tell(item(), at.right, at.top);
      };
      each.onblur = () => { this.about.hidden = true; };
    }
    each.onclick = (event) => {
      event.stopPropagation();
      if (!this.dragged) this.choose(item());
    };
  }

  /** A click: the text of a card; a box opens or closes as well. */
  async choose(item, focus) {
    this.about.hidden = true;
    const place = this.placeOf(item);
    if (place) this.pick(place, focus);
    if (item.items) await this.toggle(item);
  }

  async toggle(item) {
    this.open.set(item.id, !this.isOpen(item));
    await this.draw(item);
  }

  /** Where an item is written; what is in another file stands at the call that leads there. */
  placeOf(item) {
    for (let each = item; each; each = this.parents.get(each.k)) if (each.at?.length) return each.at[0];
    return null;
  }

  tell(item, left, top) {
    const lines = [["b", item.id], ...item.about.source.map((line) => ["code", line]), ...item.about.facts.map((line) => ["div", line])];
    this.about.replaceChildren(...lines.map(([tag, text]) => element(tag, "", text)));
    this.about.hidden = false;
    const { width, height } = this.about.getBoundingClientRect();
    this.about.style.left = `${Math.max(4, Math.min(left + 14, innerWidth - width - 6))}px`;
    this.about.style.top = `${Math.max(4, Math.min(top + 12, innerHeight - height - 6))}px`;
  }

  // --- what is marked -----------------------------------------------------------------------

  /** Mark the cards of the statement around an offset of the text. */
  follow(offset) {
    this.offset = offset;
    this.mark();
  }

  mark() {
    if (!this.svg) return;
    for (const each of this.svg.querySelectorAll(".hit, .here")) each.classList.remove("hit", "here");
    for (const item of this.hits) this.node(this.shown(item))?.classList.add("hit");
    for (const item of this.around(this.offset)) this.frame(this.shown(item))?.classList.add("here");
    const wanted = this.search.value.trim();
    this.found.textContent = wanted ? (this.hits.length ? `${this.hit + 1}/${this.hits.length}` : "nothing") : "";
  }

  /** The items of the smallest statement around an offset. */
  around(offset) {
    let best = Infinity, found = [];
    for (const item of this.items.values())
      for (const [start, end] of item.at ?? [])
        if (start <= offset && offset <= end && end - start <= best) {
          if (end - start < best) found = [];
          best = end - start;
          found.push(item);
        }
    return found;
  }

  async look() {
    const words = (item) => `${item.id} ${item.text} ${item.about.source.join(" ")}`.toLowerCase().replaceAll("×", "x");
    const wanted = this.search.value.trim().toLowerCase().replaceAll("×", "x");
    const all = [...this.items.values()];
    this.hits = wanted ? all.filter((item) => !item.items && words(item).includes(wanted)) : [];
    if (wanted && !this.hits.length) this.hits = all.filter((item) => item.items && words(item).includes(wanted));
    this.hit = 0;
    for (const item of this.hits)
      for (let box = this.parents.get(item.k); box; box = this.parents.get(box.k)) this.open.set(box.id, true);
    if (!this.model) return;
    await this.draw();
    if (this.hits.length) this.center(this.hits[0]);
  }

  searchKey(event) {
    if (event.key === "Escape") {
      this.search.value = "";
      this.look();
      this.view.focus();
    }
    if (event.key === "Enter" && this.hits.length) {
      this.hit = (this.hit + (event.shiftKey ? this.hits.length - 1 : 1)) % this.hits.length;
      this.mark();
      this.center(this.hits[this.hit]);
    }
  }

  // --- zoom and pan -------------------------------------------------------------------------

  place() {
    if (this.svg) this.svg.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.fitting.setAttribute("aria-pressed", String(Boolean(this.fits)));
  }

  /** Move by hand: from now on the view stays where it is put. */
  pan(dx, dy) {
    this.fits = "";
    this.x += dx;
    this.y += dy;
    this.place();
  }

  size() {
    return [this.svg.width.baseVal.value, this.svg.height.baseVal.value];
  }

  zoom(factor, left, top) {
    const next = Math.min(8, Math.max(0.02, this.scale * factor)), frame = this.view.getBoundingClientRect();
    const px = (left ?? frame.left + frame.width / 2) - frame.left, py = (top ?? frame.top + frame.height / 2) - frame.top;
    this.fits = "";
    this.x = px - (px - this.x) * (next / this.scale);
    this.y = py - (py - this.y) * (next / this.scale);
    this.scale = next;
    this.place();
  }

  /** Fit the drawing below the buttons, unless a hand has moved it. `how`: "all" of it from now on, or its
   * "width" from the top where all would be too small to read. */
  fit(how = this.fits) {
    this.fits = how;
    const frame = this.view.getBoundingClientRect();
    if (!this.svg || !how || !frame.width) return; // without a width it is in a tab that is not shown
    const [width, height] = this.size();
    const top = Math.max(0, this.bar.getBoundingClientRect().bottom - frame.top), room = Math.max(frame.height - top, 1);
    const all = Math.min(frame.width / width, room / height, 1.5);
    this.scale = how === "all" || all >= 0.5 ? all : Math.min(1, frame.width / width);
    this.x = (frame.width - width * this.scale) / 2;
    this.y = top + Math.max(0, (room - height * this.scale) / 2);
    this.place();
  }

  center(item) {
    const at = this.node(this.shown(item))?.getBoundingClientRect(), frame = this.view.getBoundingClientRect();
    if (at) this.pan(frame.left + frame.width / 2 - at.left - at.width / 2, frame.top + frame.height / 2 - at.top - at.height / 2);
  }

  /** Move as little as lets an element be seen. */
  into(each) {
    this.view.scrollTo(0, 0); // the browser scrolls to what has the focus, too
    const at = each.getBoundingClientRect(), frame = this.view.getBoundingClientRect();
    const isBeside = at.left < frame.left || at.right > frame.right, isBeyond = at.top < frame.top || at.bottom > frame.bottom;
    if (isBeside || isBeyond)
      this.pan(
        isBeside ? frame.left + frame.width / 2 - at.left - at.width / 2 : 0,
        isBeyond ? frame.top + frame.height / 2 - at.top - at.height / 2 : 0,
      );
  }

  async openAll(open) {
    if (!this.model) return;
    for (const item of this.items.values()) if (item.items) this.open.set(item.id, open);
    await this.draw();
    this.fit("all");
  }

  watchPointers() {
    const pointers = new Map();
    const two = () => {
      const [a, b] = [...pointers.values()];
      return [Math.hypot(a[0] - b[0], a[1] - b[1]), (a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    };
    this.view.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      this.from = [event.clientX, event.clientY, this.x, this.y];
      this.dragged = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      const before = pointers.size === 2 ? two() : null;
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      if (before) {
        const now = two();
        this.dragged = true;
        this.zoom(now[0] / Math.max(before[0], 1), now[1], now[2]);
        return;
      }
      const [left, top, x, y] = this.from;
      if (!this.dragged && Math.hypot(event.clientX - left, event.clientY - top) < CLICK) return;
      this.dragged = true;
      this.about.hidden = true;
      this.view.classList.add("dragging");
      this.pan(x + event.clientX - left - this.x, y + event.clientY - top - this.y);
    });
    const end = (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size) return;
      this.from = null;
      this.view.classList.remove("dragging");
    };
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
    this.view.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.about.hidden = true;
      if (event.shiftKey) this.pan(-event.deltaY, 0);
      else this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
    }, { passive: false });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.svg) return;
    const item = this.items.get(Number((event.target.id || "").slice(1)));
    const keys = {
      "/": () => this.search.select(), f: () => this.fit("all"), c: () => this.openAll(false), e: () => this.openAll(true),
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8),
      ArrowLeft: () => this.pan(60, 0), ArrowRight: () => this.pan(-60, 0), ArrowUp: () => this.pan(0, 60), ArrowDown: () => this.pan(0, -60),
      Escape: () => { this.about.hidden = true; },
    };
    if (item && event.target !== this.view) {
      keys.Enter = () => this.choose(item, !item.items);
      keys[" "] = keys.Enter;
    }
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  // --- export -------------------------------------------------------------------------------

  /** The drawing as a file has it; null where there is none. */
  text() {
    if (!this.svg) return null;
    const copy = this.svg.cloneNode(true);
    copy.removeAttribute("style");
    copy.setAttribute("role", "img");
    for (const each of copy.querySelectorAll("[tabindex]"))
      for (const name of ["tabindex", "role", "aria-expanded"]) each.removeAttribute(name);
    for (const each of copy.querySelectorAll(".hit, .here")) each.classList.remove("hit", "here");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return new XMLSerializer().serializeToString(copy);
  }

  /** The same as a PNG: a promise of a blob. */
  png() {
    const [width, height] = this.size(), image = new Image();
    const sharp = Math.min(2, 16000 / Math.max(width, height)); // a canvas has a largest side
    return new Promise((resolve) => {
      image.onload = () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: width * sharp, height: height * sharp });
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(resolve);
      };
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.text())}`;
    });
  }
}
