// The picture that was given, with whatever lies over it.

import { element, freshId } from "./shared/dom.js";

/**
 * @param {string} label
 * @returns {{host: HTMLElement, under: HTMLCanvasElement, over: HTMLCanvasElement, shape: (width: number, height: number) => void}}
 */
export function stage(label) {
  const [under, over] = [element("canvas", { className: "under", "aria-hidden": "true" }), element("canvas", { "aria-hidden": "true" })];
  const host = element("div", { className: "stage", role: "application", tabIndex: 0, "aria-label": label }, under, over);
  return {
    host,
    under,
    over,
    shape(width, height) {
      host.style.setProperty("--shape", String(width / height));
    },
  };
}

/** A slider with its name. */
export function slider(label, value, onInput) {
  const id = freshId();
  const input = element("input", { type: "range", id, min: "0", max: "100" });
  input.value = String(value);
  input.addEventListener("input", () => onInput(Number(input.value) / 100));
  return { input, host: element("label", { for: id, className: "range" }, label, input), part: () => Number(input.value) / 100 };
}
