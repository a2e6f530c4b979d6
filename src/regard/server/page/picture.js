// Pictures: read from files, drawn without smoothing where they are small, and made from the API's base64.

/** @returns {Blob} a PNG file that came as base64 */
export function fromBase64(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" });
}

/** @returns {Promise<?ImageBitmap>} null for a file that a browser cannot show (TIFF, say), or that is none */
export function bitmapOf(file) {
  return createImageBitmap(file).catch(() => null);
}

/**
 * Draws a picture over a whole canvas, of as many pixels as the picture has.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 */
export function paint(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  canvas.classList.toggle("small", Math.max(bitmap.width, bitmap.height) < 200);
}

/** @returns {Promise<Blob>} a canvas as a PNG file */
export function fileOf(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
