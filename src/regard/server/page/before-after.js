// The noisy picture and the clean one, with a border between them that can be moved.

import { bitmapOf, fromBase64, paint } from "./picture.js";
import { element } from "./shared/dom.js";
import { slider, stage } from "./stage.js";
import { tell } from "./words.js";

/** @param {{picture: string}} answer @param {?ImageBitmap} picture what was given, if a browser can show it */
export async function beforeAfter(answer, picture) {
  const clean = await bitmapOf(fromBase64(answer.picture));
  const board = stage(tell("beforeAfter"));
  board.shape(clean.width, clean.height);
  paint(board.under, clean);
  const border = slider(tell("before"), picture ? 50 : 0, (part) => show(part));
  const show = (part) => board.host.style.setProperty("--border", `${100 * part}%`);
  if (picture) paint(board.over, picture);
  board.host.classList.add("compared");
  const follow = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = board.host.getBoundingClientRect();
    border.input.value = String((100 * (event.clientX - box.left)) / box.width);
    show(border.part());
  };
  board.host.addEventListener("pointerdown", follow);
  board.host.addEventListener("pointermove", follow);
  board.host.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
    if (!by) return;
    event.preventDefault();
    border.input.value = String(100 * border.part() + by);
    show(border.part());
  });
  show(border.part());
  return element("div", {}, board.host, element("div", { className: "tools under-stage" }, border.host));
}
