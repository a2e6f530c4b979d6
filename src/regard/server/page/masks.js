// A segmented picture: each object in a colour of its own, with an outline, over the picture.

import { fromBase64, paint } from "./picture.js";
import { readGrey16 } from "./png16.js";
import { element } from "./shared/dom.js";
import { readout } from "./shared/readout.js";
import { percent } from "./shared/strings.js";
import { slider, stage } from "./stage.js";
import { number, tell } from "./words.js";

// Okabe and Ito (2008): eight colours that no colour vision confuses; black would not be seen.
const COLOURS = [[230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167]];

/** @param {{objects: number, share: number, numbers: string}} answer @param {?ImageBitmap} picture */
export async function masks(answer, picture) {
  const { width, height, values } = await readGrey16(fromBase64(answer.numbers));
  const board = stage(tell("mask"));
  board.shape(width, height);
  if (picture) paint(board.under, picture);
  const told = readout();
  const sizes = new Uint32Array(answer.objects + 1);
  for (const value of values) sizes[value] += 1;
  let chosen = 0;
  const strength = slider(tell("strength"), 55, () => show());

  function show() {
    Object.assign(board.over, { width, height });
    board.over.classList.toggle("small", Math.max(width, height) < 200);
    const context = board.over.getContext("2d");
    const image = context.createImageData(width, height);
    values.forEach((value, at) => {
      if (!value) return;
      const edge = at % width === 0 || at % width === width - 1 || [1, -1, width, -width].some((by) => (values[at + by] ?? 0) !== value);
      const colour = value === chosen ? [255, 255, 255] : COLOURS[value % COLOURS.length];
      image.data.set([...colour, edge || value === chosen ? 255 : Math.round(255 * strength.part())], 4 * at);
    });
    context.putImageData(image, 0, 0);
    told.show(chosen ? tell("object", { object: chosen, pixels: number(sizes[chosen]) }) : tell("noObject"));
  }

  board.host.addEventListener("pointermove", (event) => {
    const box = board.host.getBoundingClientRect();
    const [x, y] = [Math.floor(((event.clientX - box.left) / box.width) * width), Math.floor(((event.clientY - box.top) / box.height) * height)];
    const at = values[y * width + x] ?? 0;
    if (at !== chosen) {
      chosen = at;
      show();
    }
  });
  board.host.addEventListener("pointerleave", () => {
    chosen = 0;
    show();
  });
  board.host.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by || !answer.objects) return;
    event.preventDefault();
    chosen = ((chosen - 1 + by + answer.objects) % answer.objects) + 1;
    show();
  });
  show();
  return element("div", { className: "halves" },
    element("div", {}, board.host, element("div", { className: "tools under-stage" }, strength.host), told.host),
    element("div", {}, element("p", { className: "overline" }, tell("objects")),
      element("p", { className: "answer" }, number(answer.objects)),
      element("p", { className: "quiet" }, tell("share", { share: percent(answer.share) }))));
}
