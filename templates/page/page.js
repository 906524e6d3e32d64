"use strict";
// The diagram is made of DOT pieces that archc wrote. Here they are put together for what is open
// and laid out by Graphviz (viz.js) in the page.
(() => {
  const model = JSON.parse(document.getElementById("model").textContent);
  const $ = (id) => document.getElementById(id);
  const view = $("view"), about = $("about"), search = $("search"), found = $("found");
  const items = new Map(), parents = new Map();
  (function index(list, parent) {
    for (const item of list) {
      items.set(item.k, item);
      parents.set(item.k, parent);
      if (item.items) index(item.items, item);
    }
  })(model.items, null);
  const boxes = [...items.values()].filter((item) => item.items);
  const byId = new Map([...items.values()].map((item) => [item.id, item]));

  let closed = new Set(model.closed), scale = 1, x = 0, y = 0, viz = null, svg = null;
  let frame = [view.clientWidth, view.clientHeight]; // the size of what is seen of the drawing
  let placed = null; // where a button, not a hand, has put the drawing

  // --- what was open and where, kept over a reload ---
  const key = `archc ${location.pathname} ${model.name}`;
  function save() {
    const shut = [...closed].map((k) => items.get(k).id);
    const kept = { shut, scale, x, y, frame, placed: isPlaced() && placed.by.name };
    try { localStorage.setItem(key, JSON.stringify(kept)); } catch { /* private */ }
  }
  function restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(key));
      if (!kept || !(kept.scale > 0)) return false;
      closed = new Set(kept.shut.filter((id) => byId.has(id)).map((id) => byId.get(id).k));
      ({ scale, x, y } = kept);
      return kept;
    } catch { return false; }
  }

  // --- DOT ---
  // What stands for an item: itself, or the outermost closed box around it.
  function shown(item) {
    let stands = item;
    for (let box = parents.get(item.k); box; box = parents.get(box.k)) if (closed.has(box.k)) stands = box;
    return stands;
  }
  function nodes(list, parent) {
    let text = "";
    for (const item of list) {
      if (item.frame) text += `subgraph cluster_${item.k} { graph [${item.frame}]; n${item.k} [${item.dot}] }\n`;
      else if (!item.items) text += `n${item.k} [id="n${item.k}", ${item.dot}];\n`;
      else if (closed.has(item.k)) text += `n${item.k} [id="n${item.k}", ${item.shut}];\n`;
      else text += `subgraph cluster_${item.k} { graph [id="c${item.k}", ${item.cluster}];\n`
        + `n${item.k} [id="n${item.k}", ${item.header}];\n${nodes(item.items, item)}}\n`;
    }
    for (const level of model.levels)
      if (level.every((k) => parents.get(k) === parent && !items.get(k).items))
        text += `{rank=same; ${level.map((k) => `n${k}`).join("; ")}}\n`;
    return text;
  }
  function edges(list) {
    let text = "";
    const seen = new Set();
    for (const [tail, head, open, shut] of list) {
      const from = shown(items.get(tail)), to = shown(items.get(head));
      const whole = from.k === tail && to.k === head && !closed.has(tail) && !closed.has(head);
      if (from === to || (!whole && shut === null)) continue;
      const line = `n${from.k} -> n${to.k} [${whole ? open : shut}];\n`;
      if (!seen.has(line)) text += line;
      seen.add(line);
    }
    return text;
  }
  const dot = () => `digraph {\n${model.graph}\n${nodes(model.items, null)}${edges(model.edges)}}`;

  // --- drawing ---
  function place() {
    if (svg) svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }
  function draw(anchor) {
    const before = anchor && $(`n${anchor.k}`)?.getBoundingClientRect();
    svg = viz.renderSVGElement(dot());
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", model.description);
    view.replaceChildren(svg);
    place();
    for (const element of svg.querySelectorAll(".node, .cluster")) dress(element);
    if (before) { // what was clicked stays under the pointer
      const after = $(`n${anchor.k}`).getBoundingClientRect();
      x += before.left + before.width / 2 - after.left - after.width / 2;
      y += before.top - after.top;
      place();
    }
    mark();
    save();
  }
  function dress(element) {
    const item = items.get(Number(element.id.slice(1)));
    if (!item) return;
    for (const title of element.querySelectorAll("title")) title.remove();
    for (const link of element.querySelectorAll("a")) link.removeAttribute("xlink:title");
    element.onpointermove = (event) => { if (!from) tell(item, event.clientX, event.clientY); };
    element.onpointerleave = () => { about.hidden = true; };
    if (element.classList.contains("node")) {
      element.setAttribute("tabindex", "0");
      element.setAttribute("aria-label", [item.id, ...item.about.source, ...item.about.facts].join(". "));
      element.onfocus = () => {
        if (!element.matches(":focus-visible")) return;
        const at = element.getBoundingClientRect();
        tell(item, at.right, at.top);
      };
      element.onblur = () => { about.hidden = true; };
    }
    if (!item.items) return;
    element.classList.add("box");
    if (element.classList.contains("node")) {
      element.setAttribute("role", "button");
      element.setAttribute("aria-expanded", String(!closed.has(item.k)));
    }
    element.onclick = (event) => { event.stopPropagation(); if (!dragged) toggle(item); };
  }
  function toggle(item) {
    about.hidden = true;
    if (!closed.delete(item.k)) closed.add(item.k);
    draw(item);
    $(`n${item.k}`).focus({ preventScroll: true });
  }
  function tell(item, left, top) {
    const lines = [["b", item.id], ...item.about.source.map((line) => ["code", line]), ...item.about.facts.map((line) => ["div", line])];
    about.replaceChildren(...lines.map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })));
    about.hidden = false;
    const { width, height } = about.getBoundingClientRect();
    about.style.left = `${Math.max(4, Math.min(left + 14, innerWidth - width - 6))}px`;
    about.style.top = `${Math.max(4, Math.min(top + 12, innerHeight - height - 6))}px`;
  }

  // --- search ---
  let hits = [], hit = 0;
  const words = (item) => `${item.id} ${item.text} ${item.about.source.join(" ")}`.toLowerCase().replaceAll("×", "x");
  function look() {
    const wanted = search.value.trim().toLowerCase().replaceAll("×", "x");
    hits = wanted ? [...items.values()].filter((item) => !item.items && words(item).includes(wanted)) : [];
    if (wanted && !hits.length) hits = boxes.filter((item) => words(item).includes(wanted));
    hit = 0;
    let opened = false;
    for (const item of hits)
      for (let box = parents.get(item.k); box; box = parents.get(box.k)) opened = closed.delete(box.k) || opened;
    if (opened) draw(); else mark();
    if (hits.length) center(hits[0]);
  }
  function mark() {
    for (const element of svg ? svg.querySelectorAll(".hit") : []) element.classList.remove("hit");
    for (const item of hits) $(`n${shown(item).k}`)?.classList.add("hit");
    found.textContent = search.value.trim() ? (hits.length ? `${hit + 1}/${hits.length}` : "nothing") : "";
  }
  function center(item) {
    const at = $(`n${shown(item).k}`).getBoundingClientRect(), frame = view.getBoundingClientRect();
    x += frame.left + frame.width / 2 - at.left - at.width / 2;
    y += frame.top + frame.height / 2 - at.top - at.height / 2;
    place();
    save();
  }
  search.oninput = look;
  search.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { search.value = ""; look(); view.focus(); }
    if (event.key === "Enter" && hits.length) {
      hit = (hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
      mark();
      center(hits[hit]);
    }
  };

  // --- zoom and pan ---
  const size = () => [svg.width.baseVal.value, svg.height.baseVal.value];
  function zoom(factor, left, top) {
    const next = Math.min(8, Math.max(0.02, scale * factor)), frame = view.getBoundingClientRect();
    const px = (left ?? frame.left + frame.width / 2) - frame.left, py = (top ?? frame.top + frame.height / 2) - frame.top;
    x = px - (px - x) * (next / scale);
    y = py - (py - y) * (next / scale);
    scale = next;
    place();
    save();
  }
  function fit() {
    const [width, height] = size();
    scale = Math.min(frame[0] / width, frame[1] / height, 1.5);
    x = (frame[0] - width * scale) / 2;
    y = (frame[1] - height * scale) / 2;
    placedBy(fit);
  }
  // At first all of the width, from the top: a tall network that is fitted is too small to read.
  function begin() {
    const [width] = size();
    fit();
    if (scale < 0.5) {
      scale = Math.min(1, frame[0] / width);
      x = (frame[0] - width * scale) / 2;
      y = 0;
    }
    placedBy(begin);
  }
  function placedBy(by) {
    placed = { by, scale, x, y };
    place();
    save();
  }
  const isPlaced = () => placed?.scale === scale && placed.x === x && placed.y === y;
  // In a window of another size the drawing is placed anew, or what was in the middle stays there.
  function resize(before, by) {
    frame = [view.clientWidth, view.clientHeight];
    x += (frame[0] - before[0]) / 2;
    y += (frame[1] - before[1]) / 2;
    const [width, height] = size().map((side) => side * scale);
    const isSeen = x < frame[0] && y < frame[1] && x + width > 0 && y + height > 0;
    if (by || !isSeen) (by ?? begin)();
    else { place(); save(); }
  }
  let from = null, dragged = false;
  view.onpointerdown = (event) => { if (event.button === 0) { from = [event.clientX, event.clientY, x, y]; dragged = false; } };
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [left, top, x0, y0] = from;
    if (!dragged && Math.hypot(event.clientX - left, event.clientY - top) < 4) return;
    dragged = true;
    about.hidden = true;
    view.classList.add("dragging");
    x = x0 + event.clientX - left;
    y = y0 + event.clientY - top;
    place();
  });
  window.addEventListener("pointerup", () => { if (from && dragged) save(); from = null; view.classList.remove("dragging"); });
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    about.hidden = true;
    if (event.shiftKey) { x -= event.deltaY; place(); save(); }
    else zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });

  // --- keys and buttons ---
  const collapse = () => { closed = new Set(boxes.map((box) => box.k)); draw(); fit(); };
  const expand = () => { closed.clear(); draw(); fit(); };
  const larger = () => zoom(1.25), smaller = () => zoom(0.8);
  const pan = (dx, dy) => { x += dx; y += dy; place(); save(); };
  const keys = {
    "/": () => { search.focus(); search.select(); }, f: fit, c: collapse, e: expand, "+": larger, "=": larger, "-": smaller,
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
    Escape: () => { about.hidden = true; },
  };
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items.get(Number((event.target.id || "").slice(1)));
    if ((event.key === "Enter" || event.key === " ") && event.target.classList?.contains("box") && item) {
      event.preventDefault();
      toggle(item);
    } else if (keys[event.key] && svg) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  for (const [id, act] of Object.entries({ collapse, expand, fit, in: larger, out: smaller, svg: saveSvg, png: savePng })) $(id).onclick = act;

  // --- export ---
  function text() {
    const copy = svg.cloneNode(true);
    copy.removeAttribute("style");
    for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return new XMLSerializer().serializeToString(copy);
  }
  function download(blob, ending) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${model.name}.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  function saveSvg() { download(new Blob([text()], { type: "image/svg+xml" }), "svg"); }
  function savePng() {
    const [width, height] = size(), image = new Image();
    const sharp = Math.min(2, 16000 / Math.max(width, height)); // a canvas has a largest side
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: width * sharp, height: height * sharp });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => download(blob, "png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text())}`;
  }

  // --- print ---
  const SHEET = [530, 690]; // points, inside the margins of an upright A4 or Letter
  const SMALLEST = 0.75; // of the size on the screen: what is smaller on one sheet goes on more
  function sheets() {
    const { width, height } = svg.viewBox.baseVal;
    const whole = Math.min(1, SHEET[0] / width, SHEET[1] / height);
    const wanted = whole < SMALLEST ? Math.max(SMALLEST, Math.min(1, SHEET[0] / width)) : whole;
    const parts = [...svg.querySelector(".graph").children].filter((element) => element.getBBox)
      .map((element) => ({ element, box: element.getBBox() }));
    const { e, f } = svg.querySelector(".graph").transform.baseVal.consolidate().matrix;
    const cards = parts.filter(({ element }) => element.classList.contains("node")).map(({ box }) => box);
    const columns = pieces(cards.map((box) => [e + box.x, e + box.x + box.width]), width, SHEET[0] / wanted);
    const rows = pieces(cards.map((box) => [f + box.y, f + box.y + box.height]), height, SHEET[1] / wanted);
    const longest = (list) => Math.max(...list.map(([from, to]) => to - from));
    const scaled = Math.min(wanted, SHEET[0] / longest(columns), SHEET[1] / longest(rows));
    $("sheets").replaceChildren(...rows.flatMap(([top, bottom]) => columns.map(([left, right]) => {
      const sheet = svg.cloneNode(false), graph = svg.querySelector(".graph").cloneNode(false);
      for (const name of ["width", "height"]) sheet.removeAttribute(name);
      sheet.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
      sheet.setAttribute("style", `width: ${(right - left) * scaled}pt`);
      const isOn = ({ box }) => e + box.x - 9 < right && e + box.x + box.width + 9 > left && f + box.y - 9 < bottom && f + box.y + box.height + 9 > top;
      graph.append(...parts.filter(isOn).map(({ element }) => element.cloneNode(true)));
      sheet.append(graph);
      for (const element of [graph, ...graph.querySelectorAll("[id]")]) element.removeAttribute("id");
      for (const element of graph.querySelectorAll("[fill], [stroke]"))
        for (const name of ["fill", "stroke"]) {
          const onPaper = model.printed[element.getAttribute(name)];
          if (onPaper) element.setAttribute(name, onPaper);
        }
      return sheet;
    })).filter((sheet) => sheet.querySelector(".node, .edge")));
  }
  // A side in pieces of about so much, alike, from one gap between cards to another.
  function pieces(cards, end, most) {
    const list = [], count = Math.max(1, Math.ceil(end / most - 0.15)), reach = end / count / 4;
    const gaps = cards.map(([low]) => low - 4).filter((at) => !cards.some(([low, high]) => low < at && at < high));
    let from = 0;
    for (let left = count; left > 0; left--) {
      const even = from + (end - from) / left, off = (at) => Math.abs(at - even);
      const near = gaps.filter((at) => off(at) < reach).sort((a, b) => off(a) - off(b));
      const to = left > 1 ? near[0] ?? even : end;
      list.push([from, to]);
      from = to;
    }
    return list;
  }
  window.addEventListener("beforeprint", () => { if (svg) sheets(); });
  window.addEventListener("afterprint", () => $("sheets").replaceChildren());

  // --- start ---
  $("name").textContent = model.name;
  $("totals").textContent = model.totals;
  Viz.instance().then((instance) => {
    viz = instance;
    const kept = restore();
    draw();
    if (kept?.frame) resize(kept.frame, { fit, begin }[kept.placed]);
    else begin();
    new ResizeObserver(() => resize(frame, isPlaced() ? placed.by : undefined)).observe(view);
    document.documentElement.dataset.ready = "1";
  }).catch((error) => { view.textContent = `The diagram could not be drawn: ${error.message}`; });
})();
