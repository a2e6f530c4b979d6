// Canvases that are sharp on any screen, and text in them that is cut where it would not fit.

/**
 * Sizes a canvas in CSS pixels and clears it.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(Math.round(width * ratio), 1);
  canvas.height = Math.max(Math.round(height * ratio), 1);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

const letters = new Intl.Segmenter();

/**
 * As much of a text as fits. Letters that are written with several signs are not torn.
 * @param {CanvasRenderingContext2D} context
 */
export function cutText(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const parts = Array.from(letters.segment(text.slice(0, 200)), (part) => part.segment);
  while (parts.length > 1 && context.measureText(`${parts.join("")}…`).width > width) parts.pop();
  return `${parts.join("")}…`;
}

/**
 * Paints a table of colours, one pixel a cell, to be drawn at any size without smoothing.
 * @param {(row: number, column: number) => number[]} colour
 */
export function cellsImage(rows, columns, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      pixels.data.set([...colour(row, column), 255], 4 * (row * columns + column));
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
