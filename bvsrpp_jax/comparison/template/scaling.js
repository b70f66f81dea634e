// Enlarging the smaller clip. Browsers do not say how they scale, so bicubic is written
// out: Keys' kernel with a = -1/2, widened where it shrinks, taps outside the picture left
// out and the others' weights raised, each axis rounded to eight bits, rows first. That is
// what the curves under the picture were measured with (Pillow's BICUBIC).

function cubic(x) {
  x = Math.abs(x);
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return (1.5 * x - 2.5) * x * x + 1;
}

// For every output pixel: its first input pixel, and the weights from there on.
function tapsOf(from, to) {
  const step = from / to;
  const wide = Math.max(step, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * step;
    const first = Math.max(0, Math.round(centre - 2 * wide));
    const end = Math.min(from, Math.round(centre + 2 * wide));
    const weights = [];
    for (let j = first; j < end; j++) weights.push(cubic((j + 0.5 - centre) / wide));
    const sum = weights.reduce((a, b) => a + b, 0);
    return [first, Float32Array.from(weights, (w) => w / sum)];
  });
}

// One pixel of RGBA bytes: what lies `step` apart from `at` on, weighted.
function mix(input, at, step, weights, output, to) {
  let red = 0, green = 0, blue = 0;
  for (let k = 0; k < weights.length; k++, at += step) {
    red += weights[k] * input[at];
    green += weights[k] * input[at + 1];
    blue += weights[k] * input[at + 2];
  }
  output[to] = red; // a clamped array rounds and clips
  output[to + 1] = green;
  output[to + 2] = blue;
  output[to + 3] = 255;
}

// h rows of `from` pixels -> of `to` pixels.
function filteredAcross(input, from, to, h) {
  const output = new Uint8ClampedArray(4 * to * h);
  const all = taps(from, to);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < to; x++) {
      const [first, weights] = all[x];
      mix(input, 4 * (y * from + first), 4, weights, output, 4 * (y * to + x));
    }
  }
  return output;
}

// w columns of `from` pixels -> of `to` pixels.
function filteredDown(input, from, to, w) {
  const output = new Uint8ClampedArray(4 * w * to);
  const all = taps(from, to);
  for (let y = 0; y < to; y++) {
    const [first, weights] = all[y];
    for (let x = 0; x < w; x++) {
      mix(input, 4 * (first * w + x), 4 * w, weights, output, 4 * (y * w + x));
    }
  }
  return output;
}

const tapsFor = new Map(); // "from to" -> taps; there are two of them

function taps(from, to) {
  const key = `${from} ${to}`;
  if (!tapsFor.has(key)) tapsFor.set(key, tapsOf(from, to));
  return tapsFor.get(key);
}

function resampled(picture) {
  const { width: w, height: h } = picture;
  const source = canvasOf(w, h).getContext("2d", { willReadFrequently: true });
  source.drawImage(picture, 0, 0);
  if (picture.close) picture.close();
  const input = source.getImageData(0, 0, w, h).data;
  const wide = filteredAcross(input, w, width, h);
  const result = new ImageData(filteredDown(wide, h, height, width), width);
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(result, 0, 0);
  return canvas;
}
