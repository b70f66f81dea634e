// The place on the curves whose values are told: mouse, finger and keys move it.

const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
  PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity,
};

function addCursor(made) {
  const { area } = made;
  made.line = element("div", { class: "cursor" });
  made.tip = element("div", { class: "tip" });
  area.append(made.line, made.tip);
  area.setAttribute("aria-valuemin", "0");
  area.setAttribute("aria-valuemax", String(made.series[0].length - 1));
  const label = picked.clip === ALL ? "all clips" : `clip ${facts.clips[picked.clip].name}`;
  area.setAttribute("aria-label", `${facts.metrics[picked.metric].label} of ${label}`);
  const follow = (event) => {
    const { left, width: across } = area.getBoundingClientRect();
    const part = (event.clientX - left) / across;
    moveCursor(Math.round(part * (made.series[0].length - 1)));
    area.classList.add("pointed");
  };
  area.addEventListener("pointermove", follow);
  area.addEventListener("pointerdown", follow);
  area.addEventListener("pointerleave", () => area.classList.remove("pointed"));
  area.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moveCursor(curves.at + STEPS[event.key]);
  });
  curves = made;
  moveCursor(0);
}

function moveCursor(to) {
  const last = curves.series[0].length - 1;
  const at = (curves.at = Math.min(last, Math.max(0, to)));
  const percent = curves.x(at);
  curves.line.style.left = `${percent}%`;
  curves.tip.style.left = `${percent}%`;
  curves.tip.classList.toggle("flipped", percent > 50);
  const metric = facts.metrics[picked.metric];
  const lines = curves.series.map((values, method) => ({
    method: facts.methods[method],
    name: curves.names?.[method][at] ?? "", // of the clip, which is another for each
    value: withUnit(metric, values[at]),
  }));
  const title = element("strong", {}, element("bdi", {}, curves.titles[at]));
  curves.tip.replaceChildren(title, ...lines.map(tipLine));
  curves.area.setAttribute("aria-valuenow", String(at));
  const values = lines.map(({ method, name, value }) => `${method} ${value}${name && ` (${name})`}`);
  curves.area.setAttribute("aria-valuetext", `${curves.titles[at]}: ${values.join(", ")}`);
}

function tipLine({ method, name, value }, i) {
  const line = element("span", {}, swatch(i), element("bdi", {}, method));
  if (name) line.append(element("small", {}, element("bdi", {}, name)));
  line.append(element("b", {}, value));
  return line;
}
