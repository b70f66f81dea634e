// The picture area: what is shown, how large, and from where on. `width`, `height`, SIDES
// and `pictureOf(side, index)`, a promise of a picture of that size, are of the page.

const stage = byId("stage");
const canvas = byId("canvas");
const handle = byId("handle");
const context = canvas.getContext("2d", { alpha: false });
const difference = canvasOf(0, 0);
const shown = { index: 0, a: null, b: null, difference: null };
const look = { view: "slider", split: 0.5, gain: 8, zoom: 1, x: width / 2, y: height / 2 };
const NARROW = 640; // below this many CSS pixels pictures stand one above the other
let wanted = null; // { index }: what was asked for last
let showing = null; // a promise while pictures are on their way

// Shows a frame, both pictures at once. Of frames that were asked for meanwhile only the
// last is shown.
function show(index) {
  wanted = { index };
  showing ??= catchUp().finally(() => (showing = null));
  return showing;
}

async function catchUp() {
  let target = null;
  while (target !== wanted) {
    target = wanted;
    const { index } = target;
    const [a, b] = await Promise.all(SIDES.map((side) => pictureOf(side, index)));
    Object.assign(shown, { index, a, b, difference: null });
    draw();
  }
}

function makeDifference() {
  if (difference.width !== width || difference.height !== height) {
    [difference.width, difference.height] = [width, height];
  }
  const target = difference.getContext("2d");
  target.globalCompositeOperation = "copy";
  target.drawImage(shown.a, 0, 0);
  target.globalCompositeOperation = "difference";
  target.drawImage(shown.b, 0, 0);
  target.globalCompositeOperation = "lighter"; // adding itself doubles it
  for (let gain = 1; gain < look.gain; gain *= 2) target.drawImage(difference, 0, 0);
  shown.difference = difference;
}

// Where pictures are, in CSS pixels, and of what.
function panes() {
  const [w, h] = [stage.clientWidth, stage.clientHeight];
  if (look.view !== "both") return [{ x: 0, y: 0, w, h, what: look.view }];
  if (stage.classList.contains("stacked")) {
    const half = (h - 2) / 2;
    return [
      { x: 0, y: 0, w, h: half, what: "a" },
      { x: 0, y: half + 2, w, h: half, what: "b" },
    ];
  }
  const half = (w - 2) / 2;
  return [
    { x: 0, y: 0, w: half, h, what: "a" },
    { x: half + 2, y: 0, w: half, h, what: "b" },
  ];
}

const scaleOf = (pane) => Math.min(pane.w / width, pane.h / height) * look.zoom;

function draw() {
  if (!shown.a) return;
  const dpr = window.devicePixelRatio || 1;
  const [w, h] = [stage.clientWidth, stage.clientHeight].map((n) => Math.round(n * dpr));
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = getComputedStyle(stage).backgroundColor;
  context.fillRect(0, 0, w, h);
  if (look.view === "difference" && !shown.difference) makeDifference();
  for (const pane of panes()) drawPane(pane, dpr);
  placeHandle();
}

function drawPane(pane, dpr) {
  if (pane.what !== "slider") return drawPicture(shown[pane.what], pane, pane, dpr);
  const left = Math.round(look.split * pane.w * dpr) / dpr;
  drawPicture(shown.a, pane, { ...pane, w: left }, dpr);
  drawPicture(shown.b, pane, { ...pane, x: pane.x + left, w: pane.w - left }, dpr);
}

// Draws the part of a pane's picture that lies in `part`.
function drawPicture(picture, pane, part, dpr) {
  const scale = scaleOf(pane);
  context.save();
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  context.beginPath();
  context.rect(part.x, part.y, part.w, part.h);
  context.clip();
  context.imageSmoothingEnabled = scale * dpr < 1.999; // beyond, one looks at pixels
  context.imageSmoothingQuality = "high";
  context.translate(pane.x + pane.w / 2, pane.y + pane.h / 2);
  context.scale(scale, scale);
  context.drawImage(picture, -look.x, -look.y, width, height);
  context.restore();
}

function placeHandle() {
  const percent = Math.round(look.split * 100);
  handle.style.left = `${look.split * 100}%`;
  handle.setAttribute("aria-valuenow", percent);
  handle.setAttribute("aria-valuetext", `${percent}% A, ${100 - percent}% B`);
}

function setSplit(fraction) {
  look.split = Math.min(1, Math.max(0, fraction));
  draw();
}

// Keeps the picture in the panes; where it is smaller, in their middle.
function settle() {
  const [pane] = panes();
  const scale = scaleOf(pane);
  const within = (at, side, size) => {
    const half = Math.min(side / scale, size) / 2;
    return Math.min(size - half, Math.max(half, at));
  };
  look.x = within(look.x, pane.w, width);
  look.y = within(look.y, pane.h, height);
  const percent = Math.round(100 * scale * (window.devicePixelRatio || 1));
  byId("zoom-fit").textContent = `${percent}%`;
  byId("zoom-fit").setAttribute("aria-label", `Zoom ${percent}%, fit`);
  stage.classList.toggle("zoomed", look.zoom > 1);
  draw();
}

function paneAt(x, y) {
  const all = panes();
  return all.find((p) => x >= p.x && x < p.x + p.w && y >= p.y && y < p.y + p.h) ?? all[0];
}

// Zooms so that what is at a place of the stage stays there.
function zoomAt(zoom, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const pane = paneAt(x, y);
  const [dx, dy] = [x - pane.x - pane.w / 2, y - pane.y - pane.h / 2];
  const before = scaleOf(pane);
  const largest = Math.max(8, (32 * look.zoom) / before); // 32 CSS pixels a pixel
  look.zoom = Math.min(largest, Math.max(1, zoom));
  const after = scaleOf(pane);
  look.x += dx / before - dx / after;
  look.y += dy / before - dy / after;
  settle();
}

function pan(dx, dy) {
  const scale = scaleOf(panes()[0]);
  look.x -= dx / scale;
  look.y -= dy / scale;
  settle();
}

// Gives the stage the shape of what it shows, within the window.
function layOut() {
  const full = document.fullscreenElement === stage;
  const room = byId("room").clientWidth;
  const stacked = look.view === "both" && room < NARROW;
  const columns = look.view === "both" && !stacked ? 2 : 1;
  const shape = (columns * width) / ((stacked ? 2 : 1) * height);
  const tallest = Math.max(200, window.innerHeight * (stacked ? 0.8 : 0.7));
  const w = Math.min(room, tallest * shape);
  stage.style.width = full ? "" : `${Math.floor(w)}px`;
  stage.style.height = full ? "" : `${Math.floor(w / shape)}px`;
  stage.classList.toggle("stacked", stacked);
  stage.dataset.view = look.view;
  settle();
}
