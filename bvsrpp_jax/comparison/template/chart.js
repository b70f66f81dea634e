// PSNR and SSIM of every frame: a panel each, with an axis of its own.

const MEASURES = [
  { key: "psnr", name: "PSNR", unit: " dB", digits: 2, least: 0.5 },
  { key: "ssim", name: "SSIM", unit: "", digits: 4, least: 0.005 },
];
const panels = [];

// Equal frames have an infinite PSNR, which JSON cannot hold: null there.
const isUsed = ({ key }) => key === "psnr" || facts.ssim.some((value) => value !== null);

function told(measure, value) {
  if (value === null) return "identical";
  return value.toFixed(measure.digits) + measure.unit;
}

function rangeOf(values, least) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max(0.08 * (high - low), (least - (high - low)) / 2, 0);
  return [low - margin, high + margin];
}

function makePanel(measure) {
  const values = facts[measure.key];
  const finite = values.filter((value) => value !== null);
  const now = element("strong");
  const heading = element("h2", {}, `${measure.name} `, element("small", {}, "luma"));
  const summary = element("p", { class: "summary" }, summaryOf(measure, values, finite));
  const panel = element("div", { class: "panel" }, heading, now, summary);
  const made = { measure, values, now };
  if (numFrames > 1 && finite.length) panel.append(makePlot(made, finite));
  byId("curves").append(panel);
  panels.push(made);
}

function summaryOf(measure, values, finite) {
  if (!finite.length) return "every frame is identical";
  if (numFrames === 1) return "";
  const mean = finite.reduce((a, b) => a + b, 0) / finite.length;
  const lowest = Math.min(...finite);
  const equal = values.length - finite.length;
  return (
    `mean ${told(measure, mean)}, lowest ${told(measure, lowest)} in frame` +
    ` ${values.indexOf(lowest) + 1}` +
    (equal ? `, ${equal} identical left out` : "")
  );
}

function makePlot(made, finite) {
  const { measure, values } = made;
  const [low, high] = rangeOf(finite, measure.least);
  const x = (index) => (1000 * index) / (numFrames - 1);
  const y = (value) => (value === null ? 0 : (100 * (high - value)) / (high - low));
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(2)}`);
  const svg = drawn("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none" });
  svg.setAttribute("aria-hidden", "true");
  svg.append(drawn("polygon", { points: `0,100 ${points.join(" ")} 1000,100` }));
  for (const at of [0, 50, 100]) svg.append(drawn("line", { x1: 0, x2: 1000, y1: at, y2: at }));
  svg.append(drawn("polyline", { points: points.join(" ") }));
  made.marker = element("div", { class: "marker" });
  made.dot = element("div", { class: "dot" });
  const label = `${measure.name} curve, ${numFrames} frames: choose one`;
  const area = element("div", { class: "area", role: "img", "aria-label": label });
  area.append(svg, made.marker, made.dot);
  made.place = (index) => {
    made.marker.style.left = made.dot.style.left = `${x(index) / 10}%`;
    made.dot.style.top = `${y(values[index])}%`;
  };
  seekBy(area);
  const axis = element("div", { class: "axis", "aria-hidden": "true" });
  const digits = measure.digits - 1;
  for (const value of [high, (high + low) / 2, low]) {
    axis.append(element("span", {}, value.toFixed(digits)));
  }
  return element("div", { class: "plot" }, axis, area);
}

// A press or a drag on a curve goes to that frame.
function seekBy(area) {
  const seekTo = (event) => {
    const { left, width: across } = area.getBoundingClientRect();
    const fraction = Math.min(1, Math.max(0, (event.clientX - left) / across));
    seek(Math.round(fraction * (numFrames - 1)));
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    seekTo(event);
  });
  area.addEventListener("pointermove", (event) => {
    if (area.hasPointerCapture(event.pointerId)) seekTo(event);
  });
}

function markCurves(index) {
  for (const panel of panels) {
    panel.now.textContent = told(panel.measure, panel.values[index]);
    if (panel.place) panel.place(index);
  }
}

function makeCurves() {
  byId("curves").hidden = false;
  MEASURES.filter(isUsed).forEach(makePanel);
}
