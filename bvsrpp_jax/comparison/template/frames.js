// The frames of both clips. A picture is decoded when it is wanted; the latest are kept,
// about 300 MB of them.

const [width, height] = facts.size;
const numFrames = facts.times.length;
const SIDES = ["a", "b"];
const sizeOf = { a: facts.clips[0].size, b: facts.clips[1].size };
const isScaled = (side) => sizeOf[side][0] !== width || sizeOf[side][1] !== height;

const capacity = Math.max(6, Math.min(128, Math.floor(3e8 / (4 * width * height))));
const kept = new Map(); // key -> promise of a picture of the full size, oldest first
let scaling = "bicubic";

async function fullSize(side, index) {
  const picture = await decoded(side + index);
  if (!isScaled(side)) return picture;
  return scaling === "pixels" ? enlarged(picture) : resampled(picture);
}

// The picture of a side at the size of the larger clip.
function pictureOf(side, index) {
  const key = `${side} ${index} ${isScaled(side) ? scaling : ""}`;
  const picture = kept.get(key) ?? fullSize(side, index);
  kept.delete(key);
  kept.set(key, picture);
  while (kept.size > capacity) forget(kept.keys().next().value);
  return picture;
}

function forget(key) {
  kept.get(key).then(release, () => {});
  kept.delete(key);
}

function release(picture) {
  if (picture === shown.a || picture === shown.b) setTimeout(release, 1000, picture);
  else if (picture.close) picture.close();
  else picture.width = 0;
}

const nameOf = (side) => facts.clips[SIDES.indexOf(side)].name;
