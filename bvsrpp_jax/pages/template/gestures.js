// Mouse and fingers on the pictures: wipe, pan, zoom.

const focusStage = () => stage.focus({ preventScroll: true });
const pointers = new Map(); // those that are down: id -> [x, y] on the stage
let dragged = null; // "split" or "picture"

function placeOf(event) {
  const { left, top } = stage.getBoundingClientRect();
  return [event.clientX - left - stage.clientLeft, event.clientY - top - stage.clientTop];
}

function onDown(event) {
  if (event.button) return;
  if (!pointers.size) dragged = whatIsDragged(event);
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, placeOf(event));
  if (dragged === "split") setSplit(placeOf(event)[0] / stage.clientWidth);
  if (!handle.contains(event.target)) focusStage();
}

function whatIsDragged(event) {
  const asked = event.shiftKey || event.ctrlKey || event.metaKey;
  if (look.view !== "slider" || asked) return "picture";
  return look.zoom === 1 || handle.contains(event.target) ? "split" : "picture";
}

function onMove(event) {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = placeOf(event);
  if (pointers.size === 2) pinch(event.pointerId, before, now);
  else if (dragged === "split") setSplit(now[0] / stage.clientWidth);
  else pan(now[0] - before[0], now[1] - before[1]);
  pointers.set(event.pointerId, now);
}

function pinch(id, before, now) {
  const [, other] = [...pointers].find(([key]) => key !== id);
  const distance = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
  pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  const middle = [0, 1].map((axis) => (now[axis] + other[axis]) / 2);
  zoomAt((look.zoom * distance(now)) / distance(before), ...middle);
}

function onUp(event) {
  pointers.delete(event.pointerId);
  if (pointers.size === 1) dragged = "picture"; // what is left of a pinch moves on
}

function onWheel(event) {
  event.preventDefault();
  const lines = event.deltaMode ? 30 : 1;
  const slowness = event.ctrlKey ? 100 : 400; // a pinch on a trackpad has the key set
  const factor = Math.exp((-event.deltaY * lines) / slowness);
  zoomAt(look.zoom * factor, ...placeOf(event));
}

function onDouble(event) {
  const native = look.zoom / scaleOf(panes()[0]); // one CSS pixel a pixel
  zoomAt(look.zoom > 1 ? 1 : Math.max(4, 2 * native), ...placeOf(event));
}

function listenOnStage() {
  stage.addEventListener("pointerdown", onDown);
  stage.addEventListener("pointermove", onMove);
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, onUp);
  stage.addEventListener("wheel", onWheel, { passive: false });
  stage.addEventListener("dblclick", onDouble);
}
