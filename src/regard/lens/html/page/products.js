// Where a weight comes from: the query, each key, and their product dimension by dimension.

import { fitCanvas } from "./canvas.js";
import { css, diverging } from "./colours.js";
import { arraysOf, axesOf } from "./data.js";
import { element, token } from "./dom.js";
import { largest } from "./rows.js";
import { change, state } from "./state.js";
import { percent, say } from "./strings.js";

const SHOWN = 12; // keys
const HIGH = 18; // pixels of a strip

/** The vector at a position of a head. */
function vectorOf(levels, steps, dim, index) {
  return Float32Array.from({ length: dim }, (_, at) => levels[index * dim + at] * steps[index]);
}

/** A vector as a strip of cells; colours by the largest magnitude of all that are compared. */
function strip(values, most) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const draw = () => {
    const width = canvas.parentElement.clientWidth;
    const context = fitCanvas(canvas, width, HIGH);
    values.forEach((value, at) => {
      context.fillStyle = css(diverging(value / (most || 1)));
      const [from, to] = [at, at + 1].map((edge) => Math.round((edge * width) / values.length));
      context.fillRect(from, 0, to - from, HIGH);
    });
  };
  return { host: element("div", { className: "strip" }, canvas), draw };
}

const magnitude = (vectors) => vectors.reduce((most, one) => one.reduce((top, value) => Math.max(top, Math.abs(value)), most), 0);

export const products = {
  name: "products",
  label: "viewProducts",
  offered: (place) => Boolean(place.vectors),

  async open(host, { place, rows, signal }) {
    const { queries, keys } = axesOf(place);
    const { dim, keyHeads } = place.vectors;
    const arrays = await arraysOf(place.vectors);
    if (signal.aborted) return () => {};
    const body = element("div", { className: "products", tabIndex: 0, role: "application", "data-main": "" });
    body.setAttribute("aria-label", say("viewProducts"));
    host.append(body);
    body.addEventListener(
      "keydown",
      (event) => {
        const by = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
        if (by === undefined || event.target !== body) return;
        event.preventDefault();
        change({ query: Math.min(Math.max((state().query ?? 0) + by, 0), rows.queries - 1) });
      },
      { signal },
    );

    return () => {
      const { head } = state();
      if (typeof head !== "number") return body.replaceChildren(element("p", { className: "empty" }, say("productHead")));
      const query = state().query ?? 0;
      const keyHead = Math.floor((head * keyHeads) / place.heads);
      const asked = vectorOf(arrays.query, arrays.query_step, dim, head * rows.queries + query);
      const found = largest(rows.row(head, query), SHOWN).map(([key, weight]) => {
        const vector = vectorOf(arrays.key, arrays.key_step, dim, keyHead * rows.keys + key);
        const product = vector.map((value, at) => value * asked[at]);
        return { key, weight, vector, product, score: product.reduce((sum, value) => sum + value, 0) };
      });
      const most = magnitude([asked, ...found.map(({ vector }) => vector)]);
      const mostProduct = magnitude(found.map(({ product }) => product));
      const strips = [strip(asked, most)];
      const lines = found.map(({ key, weight, vector, product, score }) => {
        const [one, both] = [strip(vector, most), strip(product, mostProduct)];
        strips.push(one, both);
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, token(keys.labels[key])),
          element("td", {}, one.host),
          element("td", {}, both.host),
          element("td", { className: "number" }, score.toFixed(2)),
          element("td", { className: "number" }, percent(weight)),
        );
      });
      const titles = ["", "vector", "product", "score", "weight"].map((name) => name && say(name));
      const choose = element("select", { "aria-label": say("whoLooks") });
      choose.append(...queries.labels.map((label, at) => element("option", { value: String(at), selected: at === query }, label)));
      choose.addEventListener("change", () => change({ query: Number(choose.value) }));
      const asker = element(
        "tr",
        { className: "asked" },
        element("th", { scope: "row" }, choose),
        element("td", {}, strips[0].host),
        element("td", { colSpan: 3, className: "quiet" }, `← ${say("query")}`),
      );
      body.replaceChildren(
        element(
          "div",
          { className: "wide" },
          element(
            "table",
            {},
            element("thead", {}, element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)))),
            element("tbody", {}, asker, ...lines),
          ),
        ),
        element("p", { className: "note" }, say("productNote")),
      );
      for (const one of strips) one.draw();
      return undefined;
    };
  },
};
