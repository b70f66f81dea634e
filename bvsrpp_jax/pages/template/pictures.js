// Pictures of the page, which are base64 WebP. `width` and `height` are of the page.

async function decoded(id) {
  const text = atob(byId(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const blob = new Blob([bytes], { type: "image/webp" });
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}

function canvasOf(w, h) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w, h];
  return canvas;
}

// The full size, every pixel a square.
function enlarged(picture) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, width, height);
  if (picture.close) picture.close();
  return canvas;
}
