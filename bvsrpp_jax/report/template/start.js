// Fills in the page. Names are text, whatever is in them.

function fillInHead() {
  byId("title").append(element("bdi", {}, facts.title));
  const frames = facts.clips.reduce((sum, clip) => sum + clip.count, 0);
  const scored = `${plural(facts.clips.length, "clip")}, ${plural(frames, "frame")} measured`;
  byId("subtitle").append(element("bdi", {}, facts.methods[0]), `, ${scored}`);
}

function fillInFacts(id) {
  for (const [name, value] of facts[id]) {
    const kind = name === "command" || /^[0-9a-f]{16,}$/.test(value) ? "code" : "span";
    const text = element(kind, {}, value);
    byId(id).append(element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  }
}

function fail(error) {
  byId("waiting").textContent = `This browser cannot show the pictures (${error.message}).`;
  document.body.classList.add("failed");
}

function start() {
  fillInHead();
  fillInTiles();
  fillInSummary();
  fillInChart();
  fillInClips();
  fillInFacts("settings");
  fillInFacts("weights");
  const packed = facts.quality ? `WebP of quality ${facts.quality}` : "lossless WebP";
  byId("about").textContent =
    "Means are over the frames of a clip, then over clips." +
    (facts.pictures.length ? ` Pictures are ${packed}, 8 bits a colour.` : "");
  Promise.resolve(fillInPictures())
    .then(() => document.body.classList.remove("loading"))
    .catch(fail);
}

start();
