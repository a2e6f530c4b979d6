// The class of a picture, its probabilities, and what its patches looked at.

import { chooser } from "./chooser.js";
import { bitmapOf, fromBase64, paint } from "./picture.js";
import { weightsOf } from "./places.js";
import { cellsImage, fitCanvas } from "./shared/canvas.js";
import { viridis } from "./shared/colours.js";
import { element } from "./shared/dom.js";
import { faithfulness } from "./shared/faithful.js";
import { around, readout } from "./shared/readout.js";
import { percent, say } from "./shared/strings.js";
import { slider, stage } from "./stage.js";
import { tell } from "./words.js";

const RANKED = 10;

/** Classes as bars. */
function bars(probabilities) {
  // Names that are numbers lose their order when they are read.
  const ranked = Object.entries(probabilities).sort((one, other) => other[1] - one[1]).slice(0, RANKED);
  return element("ol", { className: "ranking" }, ...ranked.map(([name, value]) => {
    const bar = element("span", { className: "bar" });
    bar.style.setProperty("--part", String(value));
    return element("li", {}, element("span", { className: "token", dir: "auto" }, name), bar, element("b", {}, percent(value)));
  }));
}

/** @param {{label: string, probabilities: Object, attention: ?Object[], read: ?string}} answer */
export async function classes(answer) {
  const beside = element("div", {}, element("p", { className: "overline" }, tell("classes")),
    element("p", { className: "answer", dir: "auto" }, answer.label), bars(answer.probabilities));
  if (!answer.attention?.length) return element("div", {}, beside, element("p", { className: "note" }, tell("noMaps")));

  const board = stage(tell("lookedAtTitle"));
  const read = await bitmapOf(fromBase64(answer.read));
  paint(board.under, read);
  board.shape(read.width, read.height);
  const told = readout();
  const heat = slider(say("heat"), 65, () => show());
  const faithful = element("p", { className: "note" });
  let [seen, weights, pinned, hovered] = [null, [], null, null];

  function show() {
    const { rows, columns, specials } = seen.key_grid;
    const first = seen.query_grid ? seen.query_grid.specials.length : Infinity;
    // A special token stands for the whole picture; without one, all patches do together.
    const query = hovered ?? pinned ?? (first ? 0 : null);
    const line = query === null ? meanOf(weights) : weights[query];
    const patches = line.slice(specials.length);
    const top = Math.max(...patches, 1e-9);
    const [width, height] = [board.host.clientWidth, board.host.clientHeight];
    if (!width) return;
    const context = fitCanvas(board.over, width, height);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = heat.part();
    context.drawImage(cellsImage(rows, columns, (row, column) => viridis(patches[row * columns + column] / top)), 0, 0, width, height);
    context.globalAlpha = 1;
    if (query !== null && query >= first) frame(context, query - first, rows, columns, width, height);
    const best = patches.indexOf(top);
    told.show(...around((word) => say("looksAt", { query: word }), query === null ? element("b", {}, say("allPatches")) : seen.queries[query]), ` ${Math.floor(best / columns)},${best % columns}: ${percent(top)}`);
  }

  const maps = chooser((chosen) => {
    seen = chosen.seen;
    faithful.textContent = faithfulness(seen);
    weights = weightsOf(seen, chosen.head);
    if (pinned !== null && pinned >= weights.length) pinned = null;
    show();
  }, (groups) => groups.find((one) => one.startsWith("pool")) ?? groups[0]);
  const patchAt = (event) => {
    if (!seen.query_grid) return null;
    const box = board.host.getBoundingClientRect();
    const { rows, columns, specials } = seen.query_grid;
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((part) => Math.min(Math.max(part, 0), 0.999));
    return specials.length + Math.floor(y * rows) * columns + Math.floor(x * columns);
  };
  board.host.addEventListener("pointermove", (event) => {
    hovered = patchAt(event);
    show();
  });
  board.host.addEventListener("pointerleave", () => {
    hovered = null;
    show();
  });
  board.host.addEventListener("click", (event) => {
    const at = patchAt(event);
    pinned = pinned === at ? null : at;
    show();
  });
  board.host.addEventListener("keydown", (event) => {
    const width = seen.query_grid?.columns ?? 1;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width, Escape: 0 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    hovered = null;
    pinned = by ? Math.min(Math.max((pinned ?? 0) + by, 0), weights.length - 1) : null;
    show();
  });
  new ResizeObserver(() => seen && show()).observe(board.host);
  maps.show(answer.attention);
  return element("div", { className: "halves" },
    element("div", {}, maps.host, board.host, element("div", { className: "tools under-stage" }, heat.host), told.host, element("p", { className: "note" }, tell("pickPatch")), faithful),
    beside);
}

function meanOf(rows) {
  return rows[0].map((_, key) => rows.reduce((sum, row) => sum + row[key], 0) / rows.length);
}

/** White within black: seen on any colour. */
function frame(context, patch, rows, columns, width, height) {
  const [w, h] = [width / columns, height / rows];
  const box = [(patch % columns) * w, Math.floor(patch / columns) * h, w, h];
  for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.strokeRect(...box);
  }
}
