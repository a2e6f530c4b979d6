// The heat map: a row for each query, a column for each key. Only what is in sight is drawn, so any length scrolls.

import { cellsImage, cutText, fitCanvas } from "./canvas.js";
import { inkOn, themed, viridis } from "./colours.js";
import { choice } from "./choice.js";
import { axesOf, hasWeights } from "./data.js";
import { element } from "./dom.js";
import { quoted, readout } from "./readout.js";
import { change, state } from "./state.js";
import { percent, say } from "./strings.js";

const SIZES = [2, 3, 4, 6, 8, 12, 16, 22, 30, 38]; // pixels of a cell
const NUMBERED = 30; // pixels of a cell that has room for a number
const LABEL_PITCH = 15; // pixels from one label to the next, at least
const LONGEST_LABEL = 110;
const BAND = 6; // pixels between labels and cells
const BELOW = 14; // pixels under the last row, where a scroll bar may lie

/** The largest cells that need no scrolling, but none so small that they cannot be pointed at. */
function fittingSize(width, height, queries, keys) {
  const room = Math.min(width / keys, height / queries);
  return [...SIZES].reverse().find((size) => size <= room) ?? SIZES[0];
}

/** Places of labels that have room, and the chosen one, before which its neighbours give way. */
function shownLabels(first, last, cell, chosen) {
  const every = Math.max(Math.ceil(LABEL_PITCH / cell), 1);
  const shown = [];
  for (let position = Math.ceil(first / every) * every; position < last; position += every) {
    if (chosen === null || Math.abs(position - chosen) * cell >= LABEL_PITCH) shown.push(position);
  }
  if (chosen !== null && chosen >= first && chosen < last) shown.push(chosen);
  return shown;
}

export const heatMap = {
  name: "map",
  label: "viewMap",
  offered: hasWeights,

  async open(host, { place, rows, signal, scale: tellScale }) {
    const { queries, keys } = axesOf(place);
    const told = readout();
    const canvas = element("canvas", { "aria-hidden": "true" });
    const room = element("div", { className: "room" });
    const scroller = element(
      "div",
      { className: "heat", tabIndex: 0, role: "application", "aria-label": say("viewMap"), "data-main": "" },
      room,
    );
    room.append(canvas);
    const scale = choice(say("scale"), (byRow) => change({ byRow }));
    const smaller = element("button", { "aria-label": say("smaller"), title: say("smaller") }, "−");
    const larger = element("button", { "aria-label": say("larger"), title: say("larger") }, "+");
    const zoom = element(
      "div",
      { className: "zoom", role: "group", "aria-label": say("zoom") },
      element("span", { className: "legend" }, say("size")),
      smaller,
      larger,
    );
    host.append(element("div", { className: "tools" }, scale.host, zoom), told.host, scroller);

    const labels = labelRoom(queries.labels, keys.labels, scroller);
    const tallest = parseFloat(getComputedStyle(scroller).maxHeight) - labels.top - BELOW;
    let cell = fittingSize(scroller.clientWidth - labels.left - 2, tallest, rows.queries, rows.keys);
    let hovered = null;

    const pointed = () => hovered ?? { query: state().query, key: state().key };

    function cellAt(event) {
      const box = scroller.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left - labels.left, event.clientY - box.top - labels.top];
      if (x < 0 || y < 0) return null;
      const query = Math.floor((y + scroller.scrollTop) / cell);
      const key = Math.floor((x + scroller.scrollLeft) / cell);
      return query < rows.queries && key < rows.keys ? { query, key } : null;
    }

    function draw() {
      const [width, height] = [scroller.clientWidth, scroller.clientHeight];
      const context = fitCanvas(canvas, width, height);
      const { head, byRow } = state();
      const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
      const firstKey = Math.floor(left / cell);
      const lastKey = Math.min(Math.ceil((left + width - labels.left) / cell), rows.keys);
      const firstQuery = Math.floor(top / cell);
      const lastQuery = Math.min(Math.ceil((top + height - labels.top) / cell), rows.queries);
      if (lastKey <= firstKey || lastQuery <= firstQuery) return; // too small a window shows no cell
      const most = rows.top(head);
      const levels = Array.from({ length: lastQuery - firstQuery }, (_, index) => {
        const row = rows.row(head, firstQuery + index);
        const line = new Float32Array(lastKey - firstKey);
        row.keys.forEach((key, at) => {
          if (key >= firstKey && key < lastKey) line[key - firstKey] = row.weights[at] / (byRow ? row.top || 1 : most);
        });
        return line;
      });
      const image = cellsImage(levels.length, lastKey - firstKey, (row, column) => viridis(levels[row][column]));
      const x = (key) => labels.left + key * cell - left;
      const y = (query) => labels.top + query * cell - top;
      context.save();
      context.beginPath();
      context.rect(labels.left, labels.top, width, height);
      context.clip();
      context.imageSmoothingEnabled = false;
      context.drawImage(image, x(firstKey), y(firstQuery), image.width * cell, image.height * cell);
      if (cell >= NUMBERED) writeNumbers(context, levels, firstQuery, firstKey, x, y);
      const chosen = pointed();
      if (chosen.query !== null && chosen.key !== null) frame(context, x(chosen.key), y(chosen.query), cell);
      context.restore();
      drawLabels(context, { chosen, firstKey, lastKey, firstQuery, lastQuery, x, y });
    }

    /** Weights that matter, in per cent. */
    function writeNumbers(context, levels, firstQuery, firstKey, x, y) {
      const { head, byRow } = state();
      context.save();
      context.textAlign = "center";
      context.font = context.font.replace("12px", "11px");
      levels.forEach((line, row) => {
        const unit = byRow ? rows.row(head, firstQuery + row).top : rows.top(head);
        line.forEach((level, column) => {
          const share = Math.round(100 * level * unit);
          if (share < 1 || level < 0.1) return;
          context.fillStyle = inkOn(viridis(level));
          context.fillText(String(share), x(firstKey + column) + cell / 2, y(firstQuery + row) + cell / 2 + 1);
        });
      });
      context.restore();
    }

    function drawLabels(context, { chosen, firstKey, lastKey, firstQuery, lastQuery, x, y }) {
      const [ink, quiet, accent] = [themed("ink"), themed("quiet"), themed("accent")];
      const plain = context.font;
      const write = (text, isChosen, some) => {
        context.font = isChosen ? `600 ${plain}` : plain;
        context.fillStyle = isChosen ? accent : some ? quiet : ink;
        return cutText(context, text, LONGEST_LABEL - 2 * BAND);
      };
      context.save();
      context.beginPath();
      context.rect(0, labels.top - BAND, labels.left, canvas.clientHeight);
      context.clip();
      context.textAlign = "right";
      for (const query of shownLabels(firstQuery, lastQuery, cell, chosen.query)) {
        const text = write(queries.labels[query], query === chosen.query, chosen.query !== null);
        context.fillText(text, labels.left - BAND, y(query) + cell / 2);
      }
      context.restore();
      context.save();
      context.beginPath();
      context.rect(labels.left - BAND, 0, canvas.clientWidth, labels.top);
      context.clip();
      context.textAlign = "left";
      for (const key of shownLabels(firstKey, lastKey, cell, chosen.key)) {
        const text = write(keys.labels[key], key === chosen.key, chosen.key !== null);
        context.save();
        context.translate(x(key) + cell / 2, labels.top - BAND);
        context.rotate(-Math.PI / 2);
        context.fillText(text, 0, 0);
        context.restore();
      }
      context.restore();
    }

    function tell() {
      const { query, key } = pointed();
      // By rows, the brightest colour is another weight in each.
      const { head, byRow } = state();
      tellScale(!byRow ? rows.top(head) : query === null ? null : rows.row(head, query).top);
      if (query === null || key === null) return told.show(say("mapHint"));
      const { weight, kept } = rows.weight(state().head, query, key);
      const value = element("b", {}, kept ? percent(weight) : say("atMost", { weight: percent(weight) }));
      return told.show(quoted(queries.labels[query]), " → ", quoted(keys.labels[key]), " ", value);
    }

    function show() {
      room.style.width = `${labels.left + rows.keys * cell + 1}px`;
      room.style.height = `${labels.top + rows.queries * cell + 1}px`;
      // As tall as the map, so that a short one leaves no empty space below.
      scroller.style.setProperty("--tall", `${labels.top + rows.queries * cell + BELOW}px`);
      scale.show(
        [
          { value: false, label: say("byHead"), name: say("byHead") },
          { value: true, label: say("byRow"), name: say("byRow") },
        ],
        state().byRow,
      );
      smaller.disabled = cell === SIZES[0];
      larger.disabled = cell === SIZES.at(-1);
      draw();
      tell();
    }

    function resize(by) {
      const [right, down] = [scroller.scrollLeft / cell, scroller.scrollTop / cell];
      cell = SIZES[SIZES.indexOf(cell) + by];
      show();
      scroller.scrollTo(right * cell, down * cell);
    }

    function reveal({ query, key }) {
      const room = { width: scroller.clientWidth - labels.left, height: scroller.clientHeight - labels.top };
      const left = clampScroll(scroller.scrollLeft, key * cell, room.width, cell);
      scroller.scrollTo(left, clampScroll(scroller.scrollTop, query * cell, room.height, cell));
    }

    smaller.addEventListener("click", () => resize(-1), { signal });
    larger.addEventListener("click", () => resize(1), { signal });
    scroller.addEventListener("scroll", draw, { signal, passive: true });
    scroller.addEventListener(
      "pointermove",
      (event) => {
        hovered = cellAt(event);
        draw();
        tell();
      },
      { signal },
    );
    scroller.addEventListener(
      "pointerleave",
      () => {
        hovered = null;
        draw();
        tell();
      },
      { signal },
    );
    scroller.addEventListener("click", (event) => change(cellAt(event) ?? {}), { signal });
    scroller.addEventListener(
      "keydown",
      (event) => {
        const { query, key } = state();
        const [down, right] =
          { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
        if (down === undefined) return;
        event.preventDefault();
        hovered = null;
        const to =
          query === null || key === null
            ? { query: query ?? 0, key: key ?? 0 }
            : {
                query: Math.min(Math.max(query + down, 0), rows.queries - 1),
                key: Math.min(Math.max(key + right, 0), rows.keys - 1),
              };
        change(to);
        reveal(to);
      },
      { signal },
    );
    return show;
  },
};

/** Room for the longest label of each axis, but no more than a third of the view. */
function labelRoom(queries, keys, scroller) {
  const context = fitCanvas(document.createElement("canvas"), 1, 1);
  const widest = (labels) =>
    labels.reduce((most, label) => Math.max(most, context.measureText(label.slice(0, 60)).width), 0);
  const limit = Math.min(LONGEST_LABEL, scroller.clientWidth / 3);
  return {
    left: Math.min(widest(queries) + 2 * BAND, limit),
    top: Math.min(widest(keys) + 2 * BAND, LONGEST_LABEL),
  };
}

/** Scrolls no more than needed to bring a cell into sight. */
function clampScroll(now, start, room, cell) {
  return Math.min(Math.max(now, start + cell - room), start);
}

/** White within black: seen on any colour. */
function frame(context, x, y, cell) {
  const size = Math.max(cell, 6);
  const [left, top] = [x - (size - cell) / 2, y - (size - cell) / 2];
  context.lineWidth = 3.5;
  context.strokeStyle = "#000";
  context.strokeRect(left, top, size, size);
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.strokeRect(left, top, size, size);
}
