// Attention laid over the picture: what one patch, or a special token, looks at.

import { cellsImage, fitCanvas } from "./canvas.js";
import { viridis } from "./colours.js";
import { axesOf, hasWeights, pictures } from "./data.js";
import { element, freshId, token } from "./dom.js";
import { ranking } from "./ranking.js";
import { around, quoted, readout } from "./readout.js";
import { change, state } from "./state.js";
import { percent, say } from "./strings.js";

const RANKED = 6;

export const pictureView = {
  name: "picture",
  label: "viewPicture",
  offered: (place) => hasWeights(place) && axesOf(place).keys.kind === "grid",

  async open(host, { place, rows, signal, scale }) {
    const { queries, keys } = axesOf(place);
    const specials = keys.specials.length;
    // Patches can be pointed at only where they are the ones that look.
    const looking = queries.kind === "grid";
    const told = readout();
    const canvas = element("canvas", { "aria-hidden": "true" });
    const image = element("img", { alt: "", draggable: false });
    if (keys.picture !== null) {
      image.src = pictures[keys.picture];
      await image.decode();
      if (signal.aborted) return () => {};
    }
    const stage = element(
      "div",
      { className: "stage", tabIndex: 0, role: "application", "aria-label": say("viewPicture"), "data-main": "" },
      keys.picture === null ? null : image,
      canvas,
    );
    const [high, wide] = keys.image_size[0] ? keys.image_size : [keys.rows, keys.columns];
    stage.style.setProperty("--shape", String(wide / high));
    if (Math.max(high, wide) < 200) image.classList.add("small");
    const strengthId = freshId();
    const strength = element("input", { type: "range", id: strengthId, min: "0", max: "100", value: "65" });
    const side = element("div", { className: "beside" });
    const askers = askersOf(queries, looking);
    host.append(
      element(
        "div",
        { className: "tools" },
        askers.host,
        keys.picture === null ? null : element("label", { for: strengthId, className: "range" }, say("heat"), strength),
      ),
      told.host,
      element("div", { className: "halves" }, stage, side),
    );
    let hovered = null;
    const first = looking ? queries.specials.length : 0;
    const rowOf = (query) => (query === null ? rows.average(state().head, first) : rows.row(state().head, query));

    function draw(row, query) {
      const [width, height] = [stage.clientWidth, stage.clientHeight];
      const context = fitCanvas(canvas, width, height);
      const levels = new Float32Array(keys.rows * keys.columns);
      let most = 0;
      row.keys.forEach((key, at) => {
        if (key < specials) return;
        levels[key - specials] = row.weights[at];
        most = Math.max(most, row.weights[at]);
      });
      const heat = cellsImage(keys.rows, keys.columns, (down, right) =>
        viridis(levels[down * keys.columns + right] / (most || 1)),
      );
      context.imageSmoothingEnabled = false;
      context.globalAlpha = keys.picture === null ? 1 : Number(strength.value) / 100;
      context.drawImage(heat, 0, 0, width, height);
      context.globalAlpha = 1;
      scale(most);
      if (looking && query !== null && query >= first) {
        const patch = query - first;
        const [w, h] = [width / queries.columns, height / queries.rows];
        const [x, y] = [(patch % queries.columns) * w, Math.floor(patch / queries.columns) * h];
        context.lineWidth = 4;
        context.strokeStyle = "#000";
        context.strokeRect(x, y, w, h);
        context.lineWidth = 2;
        context.strokeStyle = "#fff";
        context.strokeRect(x, y, w, h);
      }
    }

    /** The patch itself, to stand beside its figure; a special token leaves the place empty. */
    function crop(key) {
      if (!image.naturalWidth) return null;
      const piece = element("canvas", { width: 68, height: Math.round((68 * high * keys.columns) / (wide * keys.rows)) });
      const [w, h] = [image.naturalWidth / keys.columns, image.naturalHeight / keys.rows];
      const patch = key - specials;
      if (patch < 0) return piece;
      const context = piece.getContext("2d");
      context.imageSmoothingEnabled = w > 68;
      const [x, y] = [(patch % keys.columns) * w, Math.floor(patch / keys.columns) * h];
      context.drawImage(image, x, y, w, h, 0, 0, piece.width, piece.height);
      return piece;
    }

    function show() {
      const query = hovered ?? state().query;
      const row = rowOf(query);
      draw(row, query);
      askers.show(query);
      const onPatches = row.weights.reduce((sum, weight, at) => sum + (row.keys[at] < specials ? 0 : weight), 0);
      told.show(
        ...around(
          (word) => say("looksAt", { query: word }),
          query === null ? element("b", {}, say(looking ? "allPatches" : "mean")) : queries.labels[query],
        ),
        ` ${say("subtitlePatches", keys)}: ${percent(onPatches)}`,
        ...keys.specials.flatMap((name, at) => {
          const found = row.keys.indexOf(at);
          return [" · ", quoted(name), ` ${percent(found < 0 ? 0 : row.weights[found])}`];
        }),
      );
      side.replaceChildren(ranking(row, keys.labels, RANKED, crop));
    }

    function patchAt(event) {
      const box = stage.getBoundingClientRect();
      const [right, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      if (right < 0 || right >= 1 || down < 0 || down >= 1) return null;
      return first + Math.floor(down * queries.rows) * queries.columns + Math.floor(right * queries.columns);
    }

    strength.addEventListener("input", show, { signal });
    if (looking) {
      stage.addEventListener(
        "pointermove",
        (event) => {
          hovered = patchAt(event);
          show();
        },
        { signal },
      );
      stage.addEventListener(
        "pointerleave",
        () => {
          hovered = null;
          show();
        },
        { signal },
      );
      stage.addEventListener("click", (event) => change({ query: patchAt(event) }), { signal });
    }
    stage.addEventListener(
      "keydown",
      (event) => {
        const to = moved(event.key, state().query, queries, first);
        if (to === undefined) return;
        event.preventDefault();
        hovered = null;
        change({ query: to });
      },
      { signal },
    );
    // The class token stands for the whole picture, and is what one wants to see first.
    if (state().query === null && looking && queries.specials.length) change({ query: 0 });
    return show;
  },
};

/** Where an arrow key leads; undefined where the key means nothing here. */
function moved(pressed, query, queries, first) {
  const width = queries.kind === "grid" ? queries.columns : 1;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[pressed];
  const last = queries.labels.length - 1;
  if (pressed === "Home") return 0;
  if (pressed === "End") return last;
  if (by === undefined) return undefined;
  if (query === null) return first;
  // From the first row of patches up, and from the specials down.
  if (query < first) return by < 0 ? Math.max(query - 1, 0) : Math.min(query + 1, last);
  const to = query + by;
  if (to < first) return by === -width && first ? first - 1 : query;
  return to > last ? query : to;
}

/** Buttons of what has no place in the picture: special tokens, words, and all patches together. */
function askersOf(queries, looking) {
  const names = looking ? queries.specials : queries.labels;
  const buttons = names.map((name, query) => {
    const button = element("button", { type: "button" }, token(name));
    button.addEventListener("click", () => change({ query }));
    return button;
  });
  const all = element("button", { type: "button" }, say("allPatches"));
  all.addEventListener("click", () => change({ query: null }));
  const offered = looking || names.length > 1 ? [...buttons, all] : buttons;
  if (!looking) all.textContent = say("mean");
  return {
    host: element(
      "div",
      { className: "askers", role: "group", "aria-label": say("whoLooks") },
      element("span", { className: "legend" }, say("whoLooks")),
      ...offered,
    ),
    show(query) {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === query)));
      all.setAttribute("aria-pressed", String(query === null));
    },
  };
}
