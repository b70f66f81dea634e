// The table of clips: sorted by any column, filtered by name, a part at a time.

const PART = 40;
const list = { column: null, falling: false, most: PART };
const COLUMNS = facts.metrics.flatMap((metric, m) =>
  facts.methods.map((method, i) => ({ metric, m, i, label: `${metric.label}, ${method}` })));

function sortedClips() {
  const wanted = byId("filter").value.toLowerCase();
  const numbers = facts.clips.flatMap((clip, i) => (clip.name.toLowerCase().includes(wanted) ? [i] : []));
  if (list.column !== null) {
    const { m, i } = COLUMNS[list.column];
    const value = (n) => numberOf(facts.clips[n].means[m][i]);
    const compare = byWorse({ higher_is_better: true });
    numbers.sort((a, b) => compare(value(a), value(b)) * (list.falling ? -1 : 1));
  }
  return numbers;
}

function headOf(column, c) {
  const button = element("button", { type: "button" }, column.label);
  button.addEventListener("click", () => sortBy(c));
  const head = element("th", { scope: "col" }, button);
  if (list.column === c) head.setAttribute("aria-sort", list.falling ? "descending" : "ascending");
  return head;
}

function sortBy(c) {
  list.falling = list.column === c && !list.falling;
  list.column = c;
  drawClips();
  byId("clips").querySelectorAll("th button")[c].focus();
}

function drawClips() {
  const numbers = sortedClips();
  const top = element("tr", {}, element("th", { scope: "col" }, "clip"),
    element("th", { scope: "col" }, "frames"), ...COLUMNS.map(headOf));
  const body = element("tbody", {}, ...numbers.slice(0, list.most).map(clipRow));
  byId("clips").replaceChildren(element("thead", {}, top), body);
  const rest = numbers.length - list.most;
  byId("more").hidden = rest <= 0;
  byId("more").textContent = `Show ${Math.min(rest, 5 * PART)} more`;
  const shown = Math.min(list.most, numbers.length).toLocaleString("en");
  byId("listed").textContent = rest > 0 ? `${shown} of ${plural(numbers.length, "clip")}` : plural(numbers.length, "clip");
}

function clipRow(number) {
  const clip = facts.clips[number];
  const cells = COLUMNS.map(({ metric, m, i }) =>
    element("td", {}, told(metric, numberOf(clip.means[m][i]))));
  return element("tr", {}, element("th", { scope: "row" }, nameCell(clip, number)),
    element("td", {}, String(clip.count)), ...cells);
}

// A clip that has more to show is a button.
function nameCell(clip, number) {
  const name = element("bdi", {}, clip.name);
  const pictured = facts.pictures.findIndex((entry) => entry.clip === number);
  if (!isLong(clip) && pictured < 0) return name;
  const button = element("button", { type: "button", class: "name" }, name);
  if (pictured >= 0) button.append(element("small", {}, "pictures"));
  button.addEventListener("click", () => {
    if (isLong(clip)) chooseClip(number);
    if (pictured >= 0) choosePictured(pictured);
    const section = isLong(clip) ? byId("curves-title") : byId("pictures-title");
    section.scrollIntoView({ block: "start" });
  });
  return button;
}

function fillInClips() {
  byId("filter-choice").hidden = facts.clips.length <= PART;
  byId("filter").addEventListener("input", () => {
    list.most = PART;
    drawClips();
  });
  byId("more").addEventListener("click", () => {
    list.most += 5 * PART;
    drawClips();
  });
  drawClips();
}
