// The pictures on the stage: two kinds of one clip's worst frame. They are decoded when
// they are wanted and kept until another clip is chosen.

const KINDS = { input: "input", bicubic: "bicubic", output: "output", gt: "ground truth" };
const SIDES = ["a", "b"];
const chosen = { clip: 0, a: "output", b: "gt" }; // clip: a number in facts.pictures
let [width, height] = facts.pictures[0]?.size ?? [1, 1];
let kept = new Map(); // kind -> promise of a picture of the full size

const nameOf = (side) => KINDS[chosen[side]];

async function fullSize(id) {
  const picture = await decoded(id);
  return picture.width === width && picture.height === height ? picture : enlarged(picture);
}

function pictureOf(side) {
  const kind = chosen[side];
  if (!kept.has(kind)) kept.set(kind, fullSize(`frame-${chosen.clip}-${kind}`));
  return kept.get(kind);
}
