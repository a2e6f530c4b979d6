// A pad to draw on: white on black, with any pointer.

import { element } from "./shared/dom.js";
import { tell } from "./words.js";

const SIDE = 280;
const PAUSE = 250; // milliseconds after a stroke

/** @param {(canvas: HTMLCanvasElement) => void} onDraw */
export function pad(onDraw) {
  const canvas = element("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": tell("drawHere") });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let timer = 0;
  let last = null;
  const wipe = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  const stroke = (to) => {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 22, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...(last ?? to));
    context.lineTo(...to);
    context.stroke();
    last = to;
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    last = null;
    stroke(at(event));
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && stroke(at(event)));
  canvas.addEventListener("pointerup", () => {
    last = null;
    timer = setTimeout(() => onDraw(canvas), PAUSE);
  });
  wipe();
  return {
    host: element("div", { className: "pad" }, canvas),
    wipe() {
      clearTimeout(timer);
      wipe();
    },
  };
}
