// Curves: of one clip every frame; of all clips their frames one after the other, or,
// where there are many clips, their means from the worst on.

const ALL = -1;
const FEW = 12; // clips that stand beside one another
const DOTTED = 60; // values that get a dot each
const picked = { metric: 0, clip: ALL };
let curves = null; // what is drawn

const isLong = (clip) => clip.count > 1;
const framesOf = (clip) => clip.frames ?? Array.from({ length: clip.count }, (_, i) => i);

// [method][frame] of a clip; of a single frame the mean is the value.
function valuesOf(clip) {
  const { means, values } = clip;
  const m = picked.metric;
  return (values ? values[m] : means[m].map((mean) => [mean])).map((of) => of.map(numberOf));
}

// { axis, series: [method][i], titles: [i], ticks: [{ at: i, text }], starts: of clips,
//   names: [method][i], where each method has an order of its own }
function seriesNow() {
  if (picked.clip !== ALL) return oneClip(facts.clips[picked.clip]);
  return facts.clips.length <= FEW ? clipsInTurn() : clipsInOrder();
}

function oneClip(clip) {
  const frames = framesOf(clip);
  const titles = frames.map((frame) => `frame ${frame}`);
  return { axis: "frame", series: valuesOf(clip), titles, ticks: ticksAt(frames), starts: [0] };
}

function clipsInTurn() {
  const series = facts.methods.map((_, i) => facts.clips.flatMap((clip) => valuesOf(clip)[i]));
  const titles = facts.clips.flatMap((clip) =>
    framesOf(clip).map((frame) => (isLong(clip) ? `${clip.name}, frame ${frame}` : clip.name)));
  const ticks = [];
  const starts = [];
  let start = 0;
  for (const { name, count } of facts.clips) {
    starts.push(start);
    ticks.push({ at: start + (count - 1) / 2, text: name });
    start += count;
  }
  return { axis: "clips, frame by frame", series, titles, ticks, starts };
}

function clipsInOrder() {
  const { clips, methods, metrics } = facts;
  const worse = byWorse(metrics[picked.metric]);
  const columns = methods.map((_, i) => clips.map((clip) => numberOf(clip.means[picked.metric][i])));
  const orders = columns.map((values) => [...values.keys()].sort((i, j) => worse(values[i], values[j])));
  const ranks = clips.map((_, i) => i + 1);
  return {
    axis: "clips, those of each method from its worst on",
    series: columns.map((values, method) => orders[method].map((i) => values[i])),
    names: orders.map((order) => order.map((i) => clips[i].name)),
    titles: ranks.map((rank) => `${rank.toLocaleString("en")} of ${plural(clips.length, "clip")}`),
    ticks: ticksAt(ranks),
    starts: [0],
  };
}

// About eight round ones of rising numbers.
function ticksAt(numbers) {
  if (numbers.length < 2) return [];
  const { ticks } = ticksOf(numbers[0], numbers.at(-1), Math.min(8, numbers.length - 1));
  return ticks.map((tick) => ({ at: numbers.indexOf(tick), text: String(tick) })).filter(({ at }) => at >= 0);
}

function rangeOf(series) {
  const finite = series.flat().filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  const [low, high] = finite.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const margin = 0.06 * (high - low) || Math.abs(high) * 0.01 || 1;
  return [low - margin, high + margin];
}

// Infinite values lie on the border; the line is broken where there is no number and
// where a clip begins.
function pathOf(values, starts, x, y) {
  const isStart = new Set(starts);
  let on = false;
  return values.map((value, i) => {
    const command = on && !isStart.has(i) ? "L" : "M";
    on = !Number.isNaN(value);
    return on ? `${command}${x(i).toFixed(2)},${y(value).toFixed(2)}` : "";
  }).join("");
}

function drawChart() {
  const made = seriesNow();
  const count = made.series[0].length;
  const [low, high] = rangeOf(made.series);
  made.x = (i) => (count > 1 ? (100 * i) / (count - 1) : 50);
  made.y = (value) => Math.min(100, Math.max(0, (100 * (high - value)) / (high - low)));
  made.area = element("div", { class: "area", tabindex: "0", role: "slider" });
  const plot = element("div", { class: "plot" }, made.area);
  drawGrid(made, plot, ticksOf(low, high, 5));
  made.area.prepend(linesOf(made));
  addCursor(made);
  byId("chart").replaceChildren(plot, element("p", { class: "xaxis" }, made.axis));
  noteChart();
}

function drawGrid(made, plot, { ticks, digits }) {
  made.rulers = ticks.map(made.y);
  for (const tick of ticks) plot.append(placed("ytick", tick.toFixed(digits), "top", made.y(tick)));
  for (const { at, text } of made.ticks) {
    const label = placed("xtick", text, "left", made.x(at));
    if (made.starts.length > 1) label.style.maxWidth = `${96 / made.starts.length}%`;
    plot.append(label);
  }
}

function linesOf({ area, series, starts, rulers, x, y }) {
  const svg = drawn("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const at of rulers) svg.append(drawn("line", { x1: 0, x2: 100, y1: at, y2: at }));
  for (const at of starts.slice(1)) svg.append(drawn("line", { x1: x(at - 0.5), x2: x(at - 0.5), y1: 0, y2: 100 }));
  [...series.entries()].reverse().forEach(([method, values]) => {
    const dash = method ? { "stroke-dasharray": "7 4" } : {};
    const path = drawn("path", { d: pathOf(values, starts, x, y), ...dash });
    path.style.stroke = colorOf(method);
    svg.append(path);
    if (values.length <= DOTTED) area.append(...dotsOf(values, method, x, y));
  });
  return svg;
}

function placed(className, text, side, percent) {
  const node = element("span", { class: className, "aria-hidden": "true" }, text);
  node.style[side] = `${percent}%`;
  return node;
}

function dotsOf(values, method, x, y) {
  return values.flatMap((value, i) => {
    if (Number.isNaN(value)) return [];
    const dot = element("i", { class: "dot" });
    dot.style.left = `${x(i)}%`;
    dot.style.top = `${y(value)}%`;
    dot.style.background = colorOf(method);
    return [dot];
  });
}

function noteChart() {
  const metric = facts.metrics[picked.metric];
  const parts = curves.series.map((values, method) => {
    const worst = [...values].sort(byWorse(metric))[0];
    const equal = values.filter((value) => value === Infinity).length;
    const titles = curves.names?.[method] ?? curves.titles;
    const place = titles[values.findIndex((value) => Object.is(value, worst))];
    const infinite = equal ? `, ${equal} infinite (identical frames), drawn at the top` : "";
    return `${facts.methods[method]}: worst ${withUnit(metric, worst)} (${place})${infinite}`;
  });
  byId("chart-note").textContent = `${parts.join(" · ")}.`;
}

function chooseMetric(number) {
  picked.metric = number;
  drawChart();
}

function chooseClip(number) {
  picked.clip = number;
  byId("clip").value = number;
  drawChart();
}

function fillInChart() {
  facts.metrics.forEach((metric, m) => {
    const input = element("input", { type: "radio", name: "metric", value: m });
    input.checked = m === 0;
    byId("metrics").append(element("label", {}, input, element("span", {}, metric.label)));
  });
  byId("metrics").addEventListener("change", (event) => chooseMetric(Number(event.target.value)));
  byId("clip").append(element("option", { value: ALL }, `all ${plural(facts.clips.length, "clip")}`));
  facts.clips.forEach((clip, i) => {
    if (isLong(clip)) byId("clip").append(element("option", { value: i }, clip.name));
  });
  byId("clip").addEventListener("change", (event) => chooseClip(Number(event.target.value)));
  byId("clip-choice").hidden = !facts.clips.some(isLong);
  const first = facts.clips.length === 1 && isLong(facts.clips[0]) ? 0 : ALL;
  facts.methods.forEach((method, i) => {
    byId("legend").append(element("span", {}, swatch(i), element("bdi", {}, method)));
  });
  chooseClip(first);
}
