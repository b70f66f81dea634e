// What people do with the page: playback, choices, keys. Then it starts.

let current = 0; // the frame that was asked for last
let playing = null; // an object of its own for every time it runs
let speed = 1;

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}

function announce(index) {
  byId("scrubber").value = index;
  byId("scrubber").setAttribute("aria-valuetext", `frame ${index + 1} of ${numFrames}`);
  byId("clock").textContent = `${index + 1} / ${numFrames}  ·  ${clock(facts.times[index])}`;
  markCurves(index);
}

function goTo(index) {
  current = Math.min(numFrames - 1, Math.max(0, index));
  announce(current);
  return show(current).catch(fail);
}

function seek(index) {
  setPlaying(false);
  return goTo(index);
}

const step = (by) => seek(current + by);

function fail(error) {
  byId("waiting").textContent = `This browser cannot show the pictures (${error.message}).`;
  document.body.classList.add("failed");
}

// How long a frame is shown; the last one as long as the one before it.
function durationOf(index) {
  const first = Math.max(0, Math.min(index, numFrames - 2));
  return (1000 * (facts.times[first + 1] - facts.times[first])) / speed;
}

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

// Every frame is shown: where decoding is slower than the clip, the clip is.
async function run(turn) {
  let due = performance.now();
  while (playing === turn) {
    const next = (current + 1) % numFrames;
    const ahead = [next, (next + 1) % numFrames];
    const [a, b] = ahead.flatMap((index) => SIDES.map((side) => pictureOf(side, index)));
    due = Math.max(due + durationOf(current), performance.now());
    await Promise.all([sleep(due - performance.now()), a, b]);
    if (playing === turn) await goTo(next);
  }
}

function setPlaying(on) {
  playing = on && numFrames > 1 ? {} : null;
  document.body.classList.toggle("playing", playing !== null);
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  if (playing) run(playing).catch(fail);
}

// Keys 1 to 5 are the views.
const KEYS = {
  " ": () => setPlaying(!playing),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ",": () => step(-1),
  ".": () => step(1),
  Home: () => seek(0),
  End: () => seek(numFrames - 1),
  "[": () => setSplit(look.split - 0.02),
  "]": () => setSplit(look.split + 0.02),
  "+": () => zoomAt(look.zoom * 1.5),
  "=": () => zoomAt(look.zoom * 1.5),
  "-": () => zoomAt(look.zoom / 1.5),
  0: () => zoomAt(1),
  f: toggleFull,
};
Object.keys(VIEWS).forEach((view, i) => (KEYS[i + 1] = () => setView(view)));

// Keys that a focused control needs itself are left to it.
function isOwnKey(target, key) {
  if (target.matches("select")) return true;
  if (target.matches("button, summary")) return key === " ";
  return target.matches("input") && (key.length > 1 || target.type === "radio");
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (!act || isOwnKey(event.target, event.key)) return;
  event.preventDefault();
  act();
}

function listen() {
  document.addEventListener("keydown", onKey);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("play").addEventListener("click", () => setPlaying(!playing));
  byId("scrubber").addEventListener("input", (event) => seek(Number(event.target.value)));
  byId("scaling").addEventListener("change", (event) => setScaling(event.target.value));
  byId("speed").addEventListener("change", (event) => (speed = Number(event.target.value)));
  // After a choice with the mouse the arrows are for the frames again.
  byId("views").addEventListener("click", (event) => event.detail && setTimeout(focusStage));
}

function setScaling(kind) {
  scaling = kind;
  return goTo(current);
}

// Names are text, whatever is in them.
function fillIn() {
  const [a, b] = facts.clips;
  document.body.classList.toggle("single", numFrames === 1);
  const title = [element("bdi", {}, a.name), element("i", {}, "against"), element("bdi", {}, b.name)];
  byId("title").append(...title);
  byId("subtitle").textContent = `${span()}, ${width}×${height}`;
  byId("scrubber").max = numFrames - 1;
  byId("scaling-choice").hidden = !SIDES.some(isScaled);
  byId("scaling-choice").firstChild.textContent = `${isScaled("a") ? "A" : "B"} enlarged by `;
  fillInTable();
  for (const note of facts.notes) byId("notes").append(element("p", {}, note));
  byId("notes").hidden = !facts.notes.length;
}

function span() {
  if (numFrames === 1) return "1 frame";
  const [first, last] = [facts.times[0], facts.times[numFrames - 1]].map(clock);
  return `${numFrames} frames, ${first} to ${last}`;
}

function fillInTable() {
  facts.clips.forEach((clip, i) => {
    const name = element("td", {}, element("bdi", {}, clip.name));
    const size = clip.size.join("×") + (clip.deep ? ", more than 8 bits" : "");
    const letter = element("th", { scope: "row" }, "AB"[i]);
    const rest = [size, String(clip.rate)].map((text) => element("td", {}, text));
    byId("clips").append(element("tr", {}, letter, name, ...rest));
  });
  const packed = facts.quality ? `WebP of quality ${facts.quality}` : "lossless WebP, 8 bits a colour";
  const scaled = SIDES.some(isScaled) ? "; the smaller clip was enlarged (bicubic) for them" : "";
  byId("about").textContent =
    `Pictures are ${packed}. PSNR and SSIM are of the luma of the frames` +
    ` themselves${scaled}.`;
}

function start() {
  fillIn();
  makeCurves();
  listen();
  listenToViews();
  listenOnStage();
  setView("slider");
  goTo(0).then(() => document.body.classList.remove("loading"));
}

start();
