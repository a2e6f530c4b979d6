// Who looks at whom, in running text: what is looked at above, who looks below, a line for each weight between.

import { fitCanvas } from "./shared/canvas.js";
import { themed } from "./shared/colours.js";
import { directionOf, element, freshId, token } from "./shared/dom.js";
import { around, listed, readout } from "./shared/readout.js";
import { say } from "./shared/strings.js";
import { weightsOf } from "./places.js";
import { tell } from "./words.js";

const FAINTEST = 0.04; // parts of the largest weight that are still drawn
const SIGNS = { "\n": "↵", "\t": "⇥", "": "␣", " ": "␣" };

/** A row of words of which one can be chosen: by pointer, by tapping, or by arrow keys. */
function row(className, label, { point, pick, move }) {
  const id = freshId();
  const host = element("div", { className: `sentence ${className}`, tabIndex: 0, role: "listbox", "aria-label": label });
  let words = [];
  const at = (event) => words.indexOf(event.target.closest("[role=option]"));
  host.addEventListener("pointermove", (event) => event.pointerType === "mouse" && at(event) >= 0 && point(at(event)));
  host.addEventListener("pointerleave", () => point(null));
  host.addEventListener("click", (event) => at(event) >= 0 && pick(at(event)));
  host.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity, Escape: 0 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(event.key === "Escape" ? null : to, words.length);
  });
  return {
    host,
    get words() {
      return words;
    },
    fill(labels) {
      host.dir = directionOf(labels);
      words = labels.map((text, place) => {
        const word = token(SIGNS[text] ?? text);
        word.id = `${id}-${place}`;
        word.setAttribute("role", "option");
        word.setAttribute("aria-selected", "false");
        return word;
      });
      host.replaceChildren(...words);
    },
    light(weights, chosen) {
      const top = Math.max(...(weights ?? []), 1e-9);
      words.forEach((word, place) => {
        word.style.setProperty("--level", String(weights ? weights[place] / top : 0));
        word.setAttribute("aria-selected", String(place === chosen));
      });
      if (chosen === null) host.removeAttribute("aria-activedescendant");
      else host.setAttribute("aria-activedescendant", words[chosen].id);
    },
  };
}

/** @returns {{host: HTMLElement, show: (seen: import("./places.js").Seen, head: "mean"|"max"|number) => void}} */
export function flow() {
  let weights = [];
  let [pinned, hovered] = [null, null]; // {side: "query"|"key", at: number}
  let shown = "";
  const told = readout();
  const canvas = element("canvas", { "aria-hidden": "true" });
  const handlers = (side) => ({
    point(at) {
      hovered = at === null ? null : { side, at };
      show();
    },
    pick(at) {
      pinned = pinned?.side === side && pinned.at === at ? null : { side, at };
      show();
    },
    move(by, count) {
      const from = pinned?.side === side ? pinned.at : by > 0 && by < Infinity ? -1 : count;
      pinned = by === null ? null : { side, at: Math.min(Math.max(from + by, 0), count - 1) };
      hovered = null;
      show();
    },
  });
  const above = row("above", say("lookedAt"), handlers("key"));
  const below = row("below", say("whoLooks"), handlers("query"));
  const figure = element("div", { className: "flow" }, canvas, above.host, below.host);
  const host = element("div", {}, told.host, figure);

  const columnOf = (key) => weights.map((line) => line[key]);

  function show() {
    const { side, at } = hovered ?? pinned ?? { side: null, at: null };
    if (side === "query") {
      above.light(weights[at], null);
      below.light(null, at);
      told.show(...around((word) => say("looksAt", { query: word }), below.words[at].textContent), ...most(above, weights[at]));
    } else if (side === "key") {
      above.light(null, at);
      below.light(columnOf(at), null);
      told.show(...around((word) => say("lookedAtBy", { key: word }), above.words[at].textContent), ...most(below, columnOf(at)));
    } else {
      above.light(null, null);
      below.light(null, null);
      told.show(tell("flowHint"));
    }
    draw(side, at);
  }

  function draw(side, at) {
    const frame = figure.getBoundingClientRect();
    if (!frame.width) return;
    const context = fitCanvas(canvas, frame.width, frame.height);
    context.strokeStyle = themed("accent");
    context.lineCap = "round";
    const middle = (word, edge) => {
      const box = word.getBoundingClientRect();
      return [(box.left + box.right) / 2 - frame.left, box[edge] - frame.top];
    };
    const tops = above.words.map((word) => middle(word, "bottom"));
    const ends = below.words.map((word) => middle(word, "top"));
    const largest = Math.max(...weights.flat(), 1e-9);
    weights.forEach((line, query) => {
      if (side === "query" && query !== at) return;
      const top = side === "query" ? Math.max(...line, 1e-9) : side === "key" ? Math.max(...columnOf(at), 1e-9) : largest;
      line.forEach((weight, key) => {
        const level = weight / top;
        if (level < FAINTEST || (side === "key" && key !== at)) return;
        const [[x1, y1], [x2, y2]] = [ends[query], tops[key]];
        context.globalAlpha = (side ? 0.95 : 0.55) * level ** 0.8;
        context.lineWidth = 0.75 + 2.5 * level;
        context.beginPath();
        context.moveTo(x1, y1);
        context.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
        context.stroke();
      });
    });
  }

  new ResizeObserver(show).observe(figure);
  return {
    host,
    redraw: show,
    show(seen, head) {
      weights = weightsOf(seen, head);
      const now = JSON.stringify([seen.queries, seen.keys]);
      if (now !== shown) {
        [pinned, hovered] = [null, null];
        above.fill(seen.keys);
        below.fill(seen.queries);
      }
      shown = now;
      show();
    },
  };
}

/** The three that matter most, in words. */
function most({ words }, weights) {
  const ranked = weights.map((weight, place) => [words[place].textContent, weight]).filter(([, weight]) => weight > 0.0005);
  return listed(ranked.sort((one, other) => other[1] - one[1]).slice(0, 3));
}
