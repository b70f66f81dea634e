// Means: of ours, of the baselines, and published ones.

const [leading] = facts.metrics;
const COLORS = ["--accent", "--second", "--third", "--fourth"]; // a method each, repeated
const colorOf = (method) => `var(${COLORS[method % COLORS.length]})`;

function swatch(method) {
  const line = drawn("svg", { viewBox: "0 0 22 10", class: "swatch", "aria-hidden": "true" });
  const dash = method ? { "stroke-dasharray": "6 3" } : {};
  line.append(drawn("line", { x1: 1, x2: 21, y1: 5, y2: 5, ...dash }));
  line.style.stroke = colorOf(method);
  return line;
}

function fillInTiles() {
  const [ours, baseline] = facts.summary.filter((row) => row.kind !== "published");
  facts.metrics.forEach((metric, m) => {
    const value = element("strong", {}, `${ours.values[m]} `, element("small", {}, metric.unit));
    const tile = element("div", { class: "card tile" }, element("span", {}, metric.label), value);
    if (baseline) tile.append(gainOf(metric, ours, baseline, m));
    byId("tiles").append(tile);
  });
}

const valueIn = (text) => Number(text.replace("∞", "Infinity"));

function gainOf(metric, ours, baseline, m) {
  const gain = valueIn(ours.values[m]) - valueIn(baseline.values[m]);
  if (!Number.isFinite(gain)) return element("span", {}, `${baseline.method}: ${baseline.values[m]}`);
  const better = metric.higher_is_better ? gain > 0 : gain < 0;
  const text = element("b", { class: better ? "better" : "worse" }, gainText(metric, gain));
  return element("span", {}, text, ` over ${baseline.method}`);
}

function fillInSummary() {
  const heads = facts.metrics.map((metric) => {
    const unit = metric.unit ? ` (${metric.unit})` : "";
    return element("th", { scope: "col" }, metric.label + unit);
  });
  const where = element("th", { scope: "col", class: "track-head" }, leading.label);
  const source = element("th", { scope: "col" }, "source");
  const top = element("tr", {}, element("th", { scope: "col" }, "method"), ...heads, where, source);
  const values = facts.summary.map((row) => valueIn(row.values[0] || "NaN"));
  const finite = values.filter(Number.isFinite);
  const range = [Math.min(...finite), Math.max(...finite)];
  const body = element("tbody");
  facts.summary.forEach((row, i) => body.append(summaryRow(row, i, values[i], range)));
  byId("summary").append(element("thead", {}, top), body);
  byId("note").textContent = facts.note;
  byId("note").hidden = !facts.note;
}

function summaryRow(row, i, value, range) {
  const name = element("th", { scope: "row" }, element("bdi", {}, row.method));
  if (row.kind !== "published") name.prepend(swatch(i));
  if (row.same_weights) name.append(element("em", {}, "these weights"));
  const cells = row.values.map((text) => element("td", {}, text));
  const source = row.kind === "published" ? row.source : "measured here";
  const classes = `${row.kind}${row.same_weights ? " same" : ""}`;
  return element("tr", { class: classes }, name, ...cells, trackOf(value, range, i, row.kind),
    element("td", { class: "source" }, source));
}

// Where a value is between the smallest and the largest.
function trackOf(value, [low, high], i, kind) {
  const track = element("div", { class: "track" });
  const dot = element("i");
  const part = high > low ? (value - low) / (high - low) : 1;
  dot.style.left = `${100 * Math.min(1, Math.max(0, part))}%`;
  if (kind !== "published") dot.style.background = colorOf(i);
  if (!Number.isNaN(value)) track.append(dot);
  return element("td", { "aria-hidden": "true" }, track);
}
