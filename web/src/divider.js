// The line between the text and the views: a pointer or the arrow keys move it.
const [LEAST, HALF, MOST, STEP] = [20, 50, 80, 2]; // percent of the page that is the text's

/** Let a line of the page be moved; a double click puts it into the middle. */
export function divide(line) {
  const root = document.documentElement;
  const set = (share) => {
    const to = Math.round(10 * Math.min(MOST, Math.max(LEAST, share))) / 10;
    root.style.setProperty("--share", `${to}%`);
    line.setAttribute("aria-valuenow", to);
    keep(to);
  };
  const now = () => Number(line.getAttribute("aria-valuenow"));
  line.setAttribute("aria-valuemin", LEAST);
  line.setAttribute("aria-valuemax", MOST);
  line.onpointerdown = (event) => {
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
  };
  line.onpointermove = ({ pointerId, clientX }) => {
    if (line.hasPointerCapture(pointerId)) set((100 * clientX) / root.clientWidth);
  };
  line.ondblclick = () => set(HALF);
  line.onkeydown = (event) => {
    const to = { ArrowLeft: now() - STEP, ArrowRight: now() + STEP, Home: LEAST, End: MOST, Enter: HALF }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    set(to);
  };
  set(kept());
}

function keep(share) {
  try {
    localStorage.setItem("archc share", share);
  } catch { /* a page that may keep nothing */ }
}

function kept() {
  try {
    return Number(localStorage.getItem("archc share")) || HALF;
  } catch {
    return HALF;
  }
}
