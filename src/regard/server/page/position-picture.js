// What a model knows of positions, as a picture.

import { cellsImage } from "./shared/canvas.js";
import { diverging, viridis } from "./shared/colours.js";
import { element } from "./shared/dom.js";
import { tell } from "./words.js";

/** @param {{kind: "encoding"|"likeness", columns: ?string, grid: ?number[], values: number[][]}} told */
export function positionPicture(told) {
  const canvas = told.kind === "encoding" ? encoding(told.values) : likeness(told.values, told.grid);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", tell("positions"));
  canvas.className = `positions ${told.kind}`;
  const note = told.kind === "encoding" ? tell("positionsEncoding", { columns: told.columns }) : tell("positionsLikeness");
  return element("div", {}, canvas, element("p", { className: "note" }, note));
}

function encoding(values) {
  const most = Math.max(...values.flat().map(Math.abs), 1e-9);
  return cellsImage(values.length, values[0].length, (row, column) => diverging(values[row][column] / most));
}

/** A map for each patch, with a pixel of ground between them. */
function likeness(values, [rows, columns]) {
  const low = Math.min(...values.flat());
  return cellsImage(rows * (rows + 1) - 1, columns * (columns + 1) - 1, (y, x) => {
    const [row, inner, column, across] = [Math.floor(y / (rows + 1)), y % (rows + 1), Math.floor(x / (columns + 1)), x % (columns + 1)];
    if (inner === rows || across === columns) return [127, 127, 127];
    return viridis((values[row * columns + column][inner * columns + across] - low) / (1 - low || 1));
  });
}
