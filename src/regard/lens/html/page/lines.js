// Who looks at whom: words on both sides, and a line for each weight, the stronger the larger.

import { fitCanvas } from "./canvas.js";
import { themed } from "./colours.js";
import { axesOf, hasWeights, wordsOnly } from "./data.js";
import { element, freshId, token } from "./dom.js";
import { around, listed, readout } from "./readout.js";
import { largest } from "./rows.js";
import { change, state } from "./state.js";
import { percent, say } from "./strings.js";

const FAINTEST = 0.03; // parts of the head's largest weight that are still drawn
const NAMED = 0.01; // weights that are written beside a word

/** A column of words. */
function column(labels, label, side) {
  const id = freshId();
  const words = labels.map((text, position) =>
    element(
      "li",
      { id: `${id}-${position}`, role: "option", "aria-selected": "false" },
      element("b", {}),
      token(text),
    ),
  );
  const host = element("ol", { className: `words ${side}`, role: "listbox", "aria-label": label }, ...words);
  return { host, words };
}

/** Lights words up by their weights, which may be null: none is pointed at. */
function light(words, weights, top) {
  words.forEach((word, position) => {
    const weight = weights?.get(position) ?? 0;
    word.style.setProperty("--level", String(Math.min(weight / top, 1)));
    word.firstChild.textContent = weight >= NAMED ? percent(weight) : "";
  });
}

function choose(words, position) {
  words.forEach((word, index) => word.setAttribute("aria-selected", String(index === position)));
}

export const lines = {
  name: "lines",
  label: "viewLines",
  offered: (place) => hasWeights(place) && Object.values(axesOf(place)).every(wordsOnly),

  async open(host, { place, rows, signal, scale }) {
    const { queries, keys } = axesOf(place);
    const told = readout();
    const left = column(queries.labels, say("whoLooks"), "left");
    const right = column(keys.labels, say("lookedAt"), "right");
    const canvas = element("canvas", { "aria-hidden": "true" });
    const scroller = element("div", { className: "lines" }, left.host, canvas, right.host);
    left.host.tabIndex = 0;
    left.host.dataset.main = "";
    host.append(told.host, scroller);
    /** What the pointer is on, which is shown in place of what is chosen. */
    let hovered = null;

    function draw() {
      const height = scroller.clientHeight;
      // A canvas that keeps its old width would hold the column open on a narrower screen.
      canvas.style.width = "100%";
      const width = canvas.clientWidth;
      const context = fitCanvas(canvas, width, height);
      canvas.style.width = "100%";
      const pitch = left.words[0].offsetHeight;
      const { head } = state();
      const { query, key } = pointed();
      const first = Math.max(Math.floor(scroller.scrollTop / pitch) - 1, 0);
      const last = Math.ceil((scroller.scrollTop + height) / pitch) + 1;
      const y = (position) => (position + 0.5) * pitch - scroller.scrollTop;
      const inSight = (position) => position >= first && position <= last;
      context.strokeStyle = themed("accent");
      context.lineCap = "round";
      const wanted = query === null ? Array.from({ length: rows.queries }, (_, index) => index) : [query];
      for (const from of wanted) {
        const row = rows.row(head, from);
        const top = query === null && key === null ? rows.top(head) : row.top || 1;
        row.keys.forEach((to, at) => {
          const level = Math.min(row.weights[at] / top, 1);
          if (level < FAINTEST || (key !== null && to !== key) || !(inSight(from) || inSight(to))) return;
          context.globalAlpha = level ** 0.8;
          context.lineWidth = 0.75 + 2.25 * level;
          context.beginPath();
          context.moveTo(0, y(from));
          context.bezierCurveTo(width / 2, y(from), width / 2, y(to), width, y(to));
          context.stroke();
        });
      }
    }

    const pointed = () => hovered ?? { query: state().query, key: null };

    function show() {
      const { head } = state();
      const { query, key } = pointed();
      choose(left.words, query);
      choose(right.words, key);
      if (query !== null) {
        const row = rows.row(head, query);
        light(left.words, null, 1);
        light(right.words, new Map(Array.from(row.keys, (to, at) => [to, row.weights[at]])), row.top || 1);
        left.host.setAttribute("aria-activedescendant", left.words[query].id);
        const named = largest(row, 3).map(([to, weight]) => [keys.labels[to], weight]);
        told.show(
          ...around((word) => say("looksAt", { query: word }), queries.labels[query]),
          ...listed(named),
          row.rest > 0.0005 ? ` · ${say("elsewhere")} ${percent(row.rest)}` : "",
        );
        scale(row.top);
      } else if (key !== null) {
        const given = rows.column(head, key);
        const most = given.reduce((top, weight) => Math.max(top, weight), 1e-9);
        light(right.words, null, 1);
        light(left.words, new Map(Array.from(given, (weight, from) => [from, weight])), most);
        const named = largest({ keys: Uint32Array.from(given, (_, from) => from), weights: given }, 3);
        told.show(
          ...around((word) => say("lookedAtBy", { key: word }), keys.labels[key]),
          ...listed(named.map(([from, weight]) => [queries.labels[from], weight])),
        );
        scale(most);
      } else {
        light(left.words, null, 1);
        light(right.words, null, 1);
        left.host.removeAttribute("aria-activedescendant");
        told.show(say("selectHint"));
        scale(rows.top(head));
      }
      draw();
    }

    listen({ scroller, left, right }, signal, {
      hover(pointed) {
        hovered = pointed;
        show();
      },
      redraw: draw,
    });
    return show;
  },
};

/** Pointer and keys. */
function listen({ scroller, left, right }, signal, { hover, redraw }) {
  const positionIn = (words, event) => words.indexOf(event.target.closest("li"));
  scroller.addEventListener("scroll", redraw, { signal, passive: true });
  for (const [side, words] of [["query", left.words], ["key", right.words]]) {
    const host = side === "query" ? left.host : right.host;
    host.addEventListener(
      "pointermove",
      (event) => {
        const position = positionIn(words, event);
        if (position >= 0) hover({ query: null, key: null, [side]: position });
      },
      { signal },
    );
    host.addEventListener("pointerleave", () => hover(null), { signal });
  }
  left.host.addEventListener(
    "click",
    (event) => {
      const position = positionIn(left.words, event);
      if (position >= 0) change({ query: position === state().query ? null : position });
    },
    { signal },
  );
  left.host.addEventListener(
    "keydown",
    (event) => {
      const last = left.words.length - 1;
      const at = state().query ?? -1;
      const to = { ArrowUp: Math.max(at - 1, 0), ArrowDown: Math.min(at + 1, last), Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      change({ query: to });
      left.words[to].scrollIntoView({ block: "nearest" });
    },
    { signal },
  );
}
