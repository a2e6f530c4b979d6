// Learning curves: one figure by update, of training and of validation.

import { fitCanvas } from "./shared/canvas.js";
import { themed } from "./shared/colours.js";
import { element } from "./shared/dom.js";
import { readout } from "./shared/readout.js";
import { number, tell } from "./words.js";

const [LEFT, RIGHT, TOP, BELOW] = [54, 10, 8, 22];
const HEIGHT = 190;

/** Round numbers that divide a range. */
function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, at) => first + at * step);
}

/**
 * @param {string} name of the figure
 * @param {{source: string, updates: number[], values: number[]}[]} lines
 */
export function chart(name, lines) {
  const canvas = element("canvas", { role: "img", tabIndex: 0, "aria-label": described(name, lines) });
  const told = readout();
  const key = element("p", { className: "key" }, ...lines.flatMap(({ source }) => [element("i", { className: source, "aria-hidden": "true" }), tell(source)]));
  const host = element("figure", { className: "chart" }, element("figcaption", {}, name.replaceAll("_", " "), key), canvas, told.host);
  const last = Math.max(...lines.flatMap((line) => line.updates));
  const values = lines.flatMap((line) => line.values).sort((one, other) => one - other);
  // The first updates are often far off, and would press the rest into the ground.
  const high = values[Math.min(Math.ceil(values.length * 0.98), values.length - 1)];
  const [low, top] = [Math.min(values[0], high), high === values[0] ? high + 1 : high];
  let at = null;

  function draw() {
    const width = host.clientWidth;
    if (!width) return;
    const context = fitCanvas(canvas, width, HEIGHT);
    const x = (update) => LEFT + ((width - LEFT - RIGHT) * update) / last;
    const y = (value) => TOP + ((HEIGHT - TOP - BELOW) * (top - Math.min(value, top))) / (top - low);
    context.strokeStyle = themed("line");
    context.fillStyle = themed("quiet");
    context.lineWidth = 1;
    context.textAlign = "right";
    for (const tick of ticks(low, top, 4)) {
      context.beginPath();
      context.moveTo(LEFT, y(tick));
      context.lineTo(width - RIGHT, y(tick));
      context.stroke();
      context.fillText(number(tick, 4), LEFT - 6, y(tick));
    }
    context.textAlign = "center";
    for (const tick of ticks(0, last, width < 500 ? 3 : 6).slice(1)) context.fillText(number(tick), x(tick), HEIGHT - 9);
    for (const { source, updates, values: ys } of lines) {
      // Apart by form too, not by colour alone.
      context.setLineDash(source === "validation" ? [] : [2, 3]);
      context.strokeStyle = themed(source === "validation" ? "accent" : "quiet");
      context.lineWidth = source === "validation" ? 2 : 1.5;
      context.beginPath();
      updates.forEach((update, point) => context[point ? "lineTo" : "moveTo"](x(update), y(ys[point])));
      context.stroke();
      context.setLineDash([]);
      if (source === "validation" && updates.length < 60) updates.forEach((update, point) => dot(context, x(update), y(ys[point]), 2.5));
    }
    if (at !== null) {
      for (const { updates, values: ys } of lines) {
        const point = nearest(updates, at);
        dot(context, x(updates[point]), y(ys[point]), 4);
      }
    }
  }

  function tellAt() {
    told.show(at === null ? "" : `${tell("update")} ${number(at)}: ${lines.map(({ source, updates, values: ys }) => `${tell(source)} ${number(ys[nearest(updates, at)], 4)}`).join(" · ")}`);
    draw();
  }

  canvas.addEventListener("pointermove", (event) => {
    const part = (event.offsetX - LEFT) / (canvas.clientWidth - LEFT - RIGHT);
    at = Math.round(last * Math.min(Math.max(part, 0), 1));
    tellAt();
  });
  canvas.addEventListener("pointerleave", () => {
    at = null;
    tellAt();
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    at = Math.min(Math.max((at ?? (by > 0 ? 0 : last)) + Math.round((by * last) / 40), 0), last);
    tellAt();
  });
  new ResizeObserver(draw).observe(host);
  return { host, redraw: draw };
}

function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = context.strokeStyle;
  context.fill();
}

function nearest(updates, at) {
  return updates.reduce((best, update, point) => (Math.abs(update - at) < Math.abs(updates[best] - at) ? point : best), 0);
}

/** For those who do not see it: where each line begins and ends. */
function described(name, lines) {
  return `${name}: ${lines.map(({ source, values }) => `${tell(source)} ${number(values[0], 4)} → ${number(values.at(-1), 4)}`).join(", ")}`;
}
