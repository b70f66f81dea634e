// How the two pictures of the stage are held against each other, and the slider's keys.
// `nameOf(side)` is of the page.

// What is seen.
const VIEWS = {
  slider: "A left of the slider, B right of it",
  both: "A and B side by side",
  difference: "Absolute difference of A and B",
  a: "A",
  b: "B",
};

function setView(view) {
  look.view = view;
  document.querySelector(`input[name=view][value=${view}]`).checked = true;
  byId("gain-choice").hidden = view !== "difference";
  canvas.setAttribute("aria-label", VIEWS[view]);
  labelChips();
  layOut();
}

function labelChips() {
  const [a, b] = SIDES.map(nameOf);
  const amplified = `amplified ${look.gain} times`;
  const first = look.view === "difference" ? ["|A − B|", amplified] : ["A", a];
  byId("chip-a").replaceChildren(element("b", {}, first[0]), first[1]);
  byId("chip-b").replaceChildren(element("b", {}, "B"), b);
}

function setGain(gain) {
  look.gain = gain;
  shown.difference = null;
  labelChips();
  draw();
}

const MOVES = {
  ArrowLeft: -0.02,
  ArrowDown: -0.02,
  ArrowRight: 0.02,
  ArrowUp: 0.02,
  PageDown: -0.1,
  PageUp: 0.1,
  Home: -1,
  End: 1,
};

function onHandleKey(event) {
  if (!(event.key in MOVES) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  setSplit(look.split + MOVES[event.key]);
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen?.();
}

function listenToViews() {
  handle.addEventListener("keydown", onHandleKey);
  byId("views").addEventListener("change", (event) => setView(event.target.value));
  byId("gain").addEventListener("change", (event) => setGain(Number(event.target.value)));
  byId("zoom-in").addEventListener("click", () => zoomAt(look.zoom * 1.5));
  byId("zoom-out").addEventListener("click", () => zoomAt(look.zoom / 1.5));
  byId("zoom-fit").addEventListener("click", () => zoomAt(1));
  byId("full").addEventListener("click", toggleFull);
  new ResizeObserver(layOut).observe(byId("room"));
  new ResizeObserver(settle).observe(stage);
  window.addEventListener("resize", layOut);
  document.addEventListener("fullscreenchange", layOut);
}
