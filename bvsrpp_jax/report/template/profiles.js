// Worst frames on the stage, and rows of pixels over time below it.

function choosePictured(number) {
  chosen.clip = number;
  byId("pictured").value = number;
  kept = new Map();
  const entry = facts.pictures[number];
  [width, height] = entry.size;
  Object.assign(look, { zoom: 1, x: width / 2, y: height / 2 });
  for (const side of SIDES) fillInKinds(side, entry.frames);
  const isOne = facts.clips[entry.clip].count === 1;
  byId("worst").textContent = whereOf(entry) + (isOne ? "" : ": the worst of the clip");
  byId("profiled").hidden = !entry.profiles.length;
  drawProfiles(number, entry.profiles);
  return showKinds();
}

function whereOf({ clip: number, worst }) {
  const clip = facts.clips[number];
  const place = clip.frames ? clip.frames.indexOf(worst) : worst;
  const value = clip.values ? clip.values[0][0][place] : clip.means[0][0];
  const score = value === undefined ? "" : `, ${leading.label} ${withUnit(leading, numberOf(value))}`;
  return `frame ${worst}${score}`;
}

function fillInKinds(side, kinds) {
  if (!kinds.includes(chosen[side])) chosen[side] = "output";
  const options = Object.keys(KINDS).filter((kind) => kinds.includes(kind));
  const choice = byId(`kind-${side}`);
  choice.replaceChildren(...options.map((kind) => element("option", { value: kind }, KINDS[kind])));
  choice.value = chosen[side];
}

// Both at once, then the labels: a label is never of another picture.
async function showKinds() {
  await show(chosen.clip);
  labelChips();
  layOut();
}

async function drawProfiles(number, kinds) {
  const order = ["gt", "output", "bicubic", "input"].filter((kind) => kinds.includes(kind));
  const figures = order.map((kind) => {
    const label = `Temporal profile: ${KINDS[kind]}`;
    const canvas = element("canvas", { role: "img", "aria-label": label });
    return element("figure", {}, canvas, element("figcaption", {}, KINDS[kind]));
  });
  byId("profiles").replaceChildren(...figures);
  await Promise.all(order.map(async (kind, i) => {
    const picture = await decoded(`profile-${number}-${kind}`);
    const target = figures[i].firstChild;
    [target.width, target.height] = [picture.width, picture.height];
    target.style.height = `${Math.min(240, Math.max(90, 2 * picture.height))}px`;
    target.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
  }));
}

const STAGE_KEYS = {
  "[": () => setSplit(look.split - 0.02), "]": () => setSplit(look.split + 0.02),
  "+": () => zoomAt(look.zoom * 1.5), "=": () => zoomAt(look.zoom * 1.5),
  "-": () => zoomAt(look.zoom / 1.5), 0: () => zoomAt(1), f: toggleFull,
  ArrowLeft: () => pan(40, 0), ArrowRight: () => pan(-40, 0),
  ArrowUp: () => pan(0, 40), ArrowDown: () => pan(0, -40),
};
Object.keys(VIEWS).forEach((view, i) => (STAGE_KEYS[i + 1] = () => setView(view)));

function onStageKey(event) {
  const act = STAGE_KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && look.zoom === 1) return; // the page's own
  event.preventDefault();
  act();
}

function fillInPictures() {
  if (!facts.pictures.length) return null;
  byId("pictures").hidden = false;
  facts.pictures.forEach((entry, i) => {
    byId("pictured").append(element("option", { value: i }, facts.clips[entry.clip].name));
  });
  byId("pictured").addEventListener("change", (event) => choosePictured(Number(event.target.value)));
  for (const side of SIDES) {
    byId(`kind-${side}`).addEventListener("change", (event) => {
      chosen[side] = event.target.value;
      showKinds();
    });
  }
  stage.addEventListener("keydown", onStageKey);
  listenToViews();
  listenOnStage();
  setView("slider");
  return choosePictured(0);
}
