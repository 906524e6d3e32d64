// The panel of the diagram: the page's own, which lays itself out here, and keeps what is in view.
import "../../../../web/src/page.css";
import "./view.css";
import { Diagram } from "../../../../web/src/diagram.js";

const vscode = acquireVsCodeApi();
const views = document.getElementById("views");
const trouble = document.getElementById("trouble");

// A worker must come from the panel's own origin, which its files do not.
const layout = await (await fetch(views.dataset.layout)).blob();
const diagram = new Diagram(
  document.getElementById("diagram"),
  (place, focus = true) => vscode.postMessage({ kind: "pick", place, focus }),
  new Worker(URL.createObjectURL(layout)),
);

async function show({ model, why, isOther }) {
  trouble.hidden = !why;
  trouble.textContent = why ?? "";
  views.classList.toggle("stale", Boolean(why));
  diagram.view.hidden = Boolean(why) && isOther;
  if (model) await diagram.show(model);
}

function follow(offset) {
  diagram.follow(offset);
  const cards = [...diagram.view.querySelectorAll(".here")];
  const frame = diagram.view.getBoundingClientRect();
  const isSeen = (card) => {
    const at = card.getBoundingClientRect();
    return at.right > frame.left && at.left < frame.right && at.bottom > frame.top && at.top < frame.bottom;
  };
  if (cards.length && !cards.some(isSeen)) diagram.into(cards[0]);
}

let busy = Promise.resolve(); // in the order in which they come
window.addEventListener("message", ({ data }) => {
  busy = busy
    .then(() => (data.kind === "show" ? show(data) : follow(data.offset)))
    .catch((error) => show({ why: `The diagram could not be drawn: ${error.message}` }));
});
vscode.postMessage({ kind: "ready" });
