"use strict";
// What the command wrote into the page: facts as JSON, pictures as base64 WebP. A picture
// is decoded when it is wanted; the latest are kept, about 300 MB of them.

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("facts").textContent);
const [width, height] = facts.size;
const numFrames = facts.times.length;
const SIDES = ["a", "b"];
const sizeOf = { a: facts.clips[0].size, b: facts.clips[1].size };
const isScaled = (side) => sizeOf[side][0] !== width || sizeOf[side][1] !== height;

const capacity = Math.max(6, Math.min(128, Math.floor(3e8 / (4 * width * height))));
const kept = new Map(); // key -> promise of a picture of the full size, oldest first
let scaling = "bicubic";

async function decoded(side, index) {
  const text = atob(byId(side + index).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const blob = new Blob([bytes], { type: "image/webp" });
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}

async function fullSize(side, index) {
  const picture = await decoded(side, index);
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

function canvasOf(w, h) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w, h];
  return canvas;
}
