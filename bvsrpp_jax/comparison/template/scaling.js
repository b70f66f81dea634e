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

// Filters along one axis of RGBA bytes: `along` is the distance between neighbours on it,
// `across` that between lines, in pixels.
function filtered(input, output, taps, lines, [along, across], [toAlong, toAcross]) {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < taps.length; i++) {
      const [first, weights] = taps[i];
      let at = 4 * (line * across + first * along);
      let red = 0, green = 0, blue = 0;
      for (let k = 0; k < weights.length; k++, at += 4 * along) {
        red += weights[k] * input[at];
        green += weights[k] * input[at + 1];
        blue += weights[k] * input[at + 2];
      }
      const to = 4 * (line * toAcross + i * toAlong);
      output[to] = red; // a clamped array rounds and clips
      output[to + 1] = green;
      output[to + 2] = blue;
      output[to + 3] = 255;
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
  const rows = new Uint8ClampedArray(4 * width * h);
  filtered(input, rows, taps(w, width), h, [1, w], [1, width]);
  const result = new ImageData(width, height);
  filtered(rows, result.data, taps(h, height), width, [width, 1], [width, 1]);
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(result, 0, 0);
  return canvas;
}

// Every pixel a square.
function enlarged(picture) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, width, height);
  if (picture.close) picture.close();
  return canvas;
}
