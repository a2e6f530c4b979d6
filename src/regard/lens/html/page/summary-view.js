// Figures of a long text: what each position was given, how even and how far each looks, and what it looks at.

import { fitCanvas } from "./canvas.js";
import { themed } from "./colours.js";
import { arraysOf, axesOf, hasWeights } from "./data.js";
import { element } from "./dom.js";
import { ranking } from "./ranking.js";
import { around, listed, quoted, readout } from "./readout.js";
import { change, state } from "./state.js";
import { language, percent, say } from "./strings.js";

const LEVELS = 65535;
const RECEIVED_HEIGHT = 132;
const HEIGHT = 72;
const TICK = 7; // pixels above a strip, where marks of keys are

const number = (value) =>
  value.toLocaleString(language, { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });

/** The figures of one place. */
class Figures {
  constructor(place, arrays) {
    this.place = place;
    this.arrays = arrays;
    this.queries = axesOf(place).queries.labels.length;
    this.keys = axesOf(place).keys.labels.length;
    this.slots = place.heads + 1;
  }

  /** @param {"mean"|number} head */
  slot(head) {
    return typeof head === "number" ? head : this.place.heads;
  }

  /** A figure of a head, by columns. */
  strip(name, head) {
    const levels = this.arrays[name];
    const length = levels.length / this.slots;
    const top = this.arrays[`${name}_top`][this.slot(head)];
    const row = levels.subarray(this.slot(head) * length, (this.slot(head) + 1) * length);
    return { top, values: Float32Array.from(row, (level) => (level / LEVELS) * top) };
  }

  /** The keys that were looked at most, as a row. */
  most(head) {
    const each = this.arrays.most_keys.length / this.slots;
    const [from, to] = [this.slot(head) * each, (this.slot(head) + 1) * each];
    return { keys: this.arrays.most_keys.subarray(from, to), weights: this.arrays.most_share.subarray(from, to), rest: 0 };
  }

  /** The place among those that are told that is nearest before a position. */
  toldAt(position) {
    const { at } = this.arrays;
    let [low, high] = [0, at.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (at[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** What a told position looks at, as a row; what is not among its largest is the rest. */
  looks(head, told) {
    const each = this.arrays.top_keys.length / this.slots / this.arrays.at.length;
    const start = (this.slot(head) * this.arrays.at.length + told) * each;
    const keys = this.arrays.top_keys.subarray(start, start + each);
    const weights = Float32Array.from(this.arrays.top_weights.subarray(start, start + each), (one) => one / LEVELS);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { keys, weights, rest: Math.max(1 - sum, 0), top: weights[0] };
  }
}

/** One strip: a heading, and an area over positions. */
function strip(name, height) {
  const told = element("span", {});
  const canvas = element("canvas", { "aria-hidden": "true" });
  const host = element("div", {}, element("h3", {}, element("span", {}, say(name)), told), canvas);
  return { name, height, host, told, canvas };
}

function drawStrip(one, figures, { head, width, mark, ticks }) {
  const { top, values } = figures.strip(one.name, head);
  const context = fitCanvas(one.canvas, width, one.height);
  const positions = one.name === "received" ? figures.keys : figures.queries;
  const floor = one.height - 1;
  const x = (position) => (position / positions) * width;
  context.fillStyle = themed("line");
  context.fillRect(0, floor, width, 1);
  context.fillStyle = themed("accent");
  // A column of the screen shows the largest of what falls into it: a single peak stays to be seen.
  for (let column = 0; column < width; column += 1) {
    const from = Math.floor((column / width) * values.length);
    const to = Math.max(Math.ceil(((column + 1) / width) * values.length), from + 1);
    let most = 0;
    for (let at = from; at < to; at += 1) most = Math.max(most, values[at]);
    // A few positions may take nearly all; by the square root the others are seen beside them.
    const part = one.name === "received" ? Math.sqrt(most / (top || 1)) : most / (top || 1);
    const tall = part * (floor - TICK - 1);
    context.globalAlpha = 0.85;
    context.fillRect(column, floor - tall, 1, tall);
  }
  context.globalAlpha = 1;
  context.fillStyle = themed("ink");
  for (const [key, weight] of ticks) {
    context.globalAlpha = 0.35 + 0.65 * weight;
    const at = Math.min(Math.max(x(key + 0.5), 4), width - 4);
    context.beginPath();
    context.moveTo(at - 4, 0);
    context.lineTo(at + 4, 0);
    context.lineTo(at, TICK);
    context.fill();
  }
  context.globalAlpha = 1;
  if (mark !== null) context.fillRect(Math.min(x(mark + 0.5), width - 1), TICK, 1, floor - TICK);
  const at = mark === null ? null : values[Math.min(Math.floor((mark / positions) * values.length), values.length - 1)];
  const written = (value) => (one.name === "received" || one.name === "largest" ? percent(value) : number(value));
  one.told.textContent = at === null ? `≤ ${written(top)}` : written(at);
}

export const summaryView = {
  name: "figures",
  label: "viewFigures",
  offered: (place) => !hasWeights(place),

  async open(host, { place, signal }) {
    const figures = new Figures(place, await arraysOf(place.summary));
    if (signal.aborted) return () => {};
    const { queries, keys } = axesOf(place);
    const same = place.queries === place.keys;
    const told = readout();
    const received = strip("received", RECEIVED_HEIGHT);
    const others = ["entropy", "distance", "largest"].map((name) => strip(name, HEIGHT));
    const drawn = element(
      "div",
      { className: "strips", tabIndex: 0, role: "application", "aria-label": say("viewFigures"), "data-main": "" },
      received.host,
      ...others.map((one) => one.host),
    );
    const heading = element("h3", {});
    const list = element("div", {});
    const beside = element("div", { className: "beside" }, heading, list);
    const most = number(Math.log2(Math.max(figures.keys, 1)));
    host.append(
      told.host,
      element("div", { className: "halves" }, element("div", {}, drawn), beside),
      element("p", { className: "note" }, say("figuresNote", { most })),
    );
    let hovered = null;

    /** The position that looks, among those that are told; null where none is pointed at. */
    function looking() {
      const query = hovered?.query ?? (hovered ? null : state().query);
      return query === null || query === undefined ? null : figures.toldAt(query);
    }

    function show() {
      const { head } = state();
      const at = looking();
      const query = at === null ? null : figures.arrays.at[at];
      const key = hovered?.key ?? null;
      const row = at === null ? null : figures.looks(head, at);
      const width = drawn.parentElement.clientWidth;
      const ticks = row ? Array.from(row.keys, (to, index) => [to, row.weights[index]]).filter(([, weight]) => weight > 0) : [];
      drawStrip(received, figures, { head, width, mark: key ?? (same ? query : null), ticks });
      for (const one of others) drawStrip(one, figures, { head, width, mark: query ?? (same ? key : null), ticks: [] });
      if (row) {
        const pairs = ticks.slice(0, 3).map(([to, weight]) => [keys.labels[to], weight]);
        told.show(...around((word) => say("looksAt", { query: word }), queries.labels[query]), ...listed(pairs));
        heading.replaceChildren(
          element("span", {}, ...around((word) => say("looksAt", { query: word }), queries.labels[query])),
          element("span", {}, `${query + 1} / ${figures.queries.toLocaleString(language)}`),
        );
        list.replaceChildren(ranking(row, keys.labels, row.keys.length));
      } else {
        told.show(...(key === null ? [say("figuresHint")] : [quoted(keys.labels[key]), ` ${key + 1}`]));
        heading.replaceChildren(element("span", {}, say("mostLookedAt")));
        list.replaceChildren(ranking(figures.most(head), keys.labels, 12));
      }
    }

    function pointedIn(event, one) {
      const box = one.canvas.getBoundingClientRect();
      const positions = one === received ? figures.keys : figures.queries;
      const at = Math.floor(((event.clientX - box.left) / box.width) * positions);
      return Math.min(Math.max(at, 0), positions - 1);
    }
    for (const one of [received, ...others]) {
      const side = one === received && !same ? "key" : "query";
      one.canvas.addEventListener(
        "pointermove",
        (event) => {
          hovered = { [side]: pointedIn(event, one) };
          show();
        },
        { signal },
      );
      one.canvas.addEventListener(
        "click",
        (event) => {
          if (side === "query") change({ query: figures.arrays.at[figures.toldAt(pointedIn(event, one))] });
        },
        { signal },
      );
    }
    drawn.addEventListener(
      "pointerleave",
      () => {
        hovered = null;
        show();
      },
      { signal },
    );
    drawn.addEventListener(
      "keydown",
      (event) => {
        const last = figures.arrays.at.length - 1;
        const at = state().query === null ? -1 : figures.toldAt(state().query);
        const to = { ArrowLeft: Math.max(at - 1, 0), ArrowRight: Math.min(at + 1, last), Home: 0, End: last }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        hovered = null;
        change({ query: figures.arrays.at[to] });
      },
      { signal },
    );
    return show;
  },
};
