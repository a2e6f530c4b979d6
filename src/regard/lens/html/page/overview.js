// All layers and heads at a glance: a small map of each.

import { cellsImage } from "./canvas.js";
import { viridis } from "./colours.js";
import { groupName, groupsHere, headName, headsOf, layersOf } from "./controls.js";
import { arraysOf, axesOf, places, thumbnails } from "./data.js";
import { element } from "./dom.js";
import { change, place, state } from "./state.js";
import { percent, say } from "./strings.js";

const LINES_AT_MOST = 48; // above so many words, lines are a thicket and the heat map is read first

const SIDE_BY_SIDE = 4; // heads at most, so that two groups stand beside each other

/** The view that shows a head of this place best. */
function bestView(one) {
  const { queries, keys } = axesOf(one);
  if (one.summary) return "figures";
  if (keys.kind === "grid") return "picture";
  return Math.max(queries.labels.length, keys.labels.length) <= LINES_AT_MOST ? "lines" : "map";
}

function thumbnail(one, head, pixels) {
  const [rows, columns] = one.thumbnail;
  const slot = typeof head === "number" ? head : one.heads;
  const start = slot * rows * columns;
  const canvas = cellsImage(rows, columns, (row, column) => viridis(pixels[start + row * columns + column] / 255));
  const index = places.indexOf(one);
  const button = element(
    "button",
    {
      className: "thumbnail",
      tabIndex: -1,
      "aria-label": `${one.name}, ${headName(head)}: ${say("atMost", { weight: percent(one.tops[slot]) })}`,
      title: `${one.name} · ${headName(head)}`,
    },
    canvas,
  );
  // Oblong maps keep their shape, within reason.
  button.style.setProperty("--shape", String(Math.min(Math.max(columns / rows, 0.6), 2)));
  button.dataset.place = String(index);
  button.dataset.head = String(head);
  button.addEventListener("click", () => change({ place: index, head, view: bestView(one) }));
  return button;
}

function table(group, pixels) {
  const layers = layersOf(group);
  const heads = headsOf(layers.reduce((most, one) => (one.heads > most.heads ? one : most))).filter(
    (head) => head !== "max",
  );
  const rows = layers.map((one) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, one.layer === null ? "" : String(one.layer)),
      ...heads.map((head) => {
        const there = headsOf(one).includes(head);
        return element("td", {}, there ? thumbnail(one, head, pixels[places.indexOf(one)]) : null);
      }),
    ),
  );
  const header = element(
    "tr",
    {},
    element("th", { scope: "col" }, element("span", { className: "quiet" }, say("layer"))),
    ...heads.map((head) =>
      element("th", { scope: "col" }, typeof head === "number" ? String(head) : say(head)),
    ),
  );
  const made = element(
    "table",
    { className: "overview", "aria-label": groupName(group) },
    element("thead", {}, header),
    element("tbody", {}, ...rows),
  );
  made.style.setProperty("--heads", String(heads.length));
  return element("section", {}, element("h2", {}, groupName(group)), element("div", { className: "wide" }, made));
}

/** Arrow keys go from head to head as they lie. */
function moveByArrows(host, signal) {
  host.addEventListener(
    "keydown",
    (event) => {
      const [down, right] =
        { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
      const from = document.activeElement.closest("td");
      if (down === undefined || !from || !host.contains(from)) return;
      event.preventDefault();
      const rows = [...host.querySelectorAll("tbody tr")];
      const row = rows[rows.indexOf(from.parentElement) + down];
      const cell = row?.cells[Math.min(from.cellIndex + right, row.cells.length - 1)];
      const button = cell?.querySelector("button");
      if (!button) return;
      host.querySelector('button[tabindex="0"]').tabIndex = -1;
      button.tabIndex = 0;
      button.focus();
    },
    { signal },
  );
}

export const overview = {
  name: "heads",
  label: "viewHeads",
  offered: () => places.length > 1 || places[0].heads > 1,
  /** @returns {Promise<() => void>} */
  async open(host, { signal }) {
    const pixels = await arraysOf(thumbnails);
    if (signal.aborted) return () => {};
    host.append(
      element(
        "div",
        { className: `groups ${places.every((one) => one.heads <= SIDE_BY_SIDE) ? "narrow" : ""}` },
        ...groupsHere().map((group) => table(group, pixels)),
      ),
      element("p", { className: "note" }, say("thumbnailNote")),
    );
    moveByArrows(host, signal);
    return () => {
      const shown = state().head === "max" ? "mean" : state().head;
      for (const button of host.querySelectorAll("button.thumbnail")) {
        const chosen = button.dataset.place === String(places.indexOf(place())) && button.dataset.head === String(shown);
        button.tabIndex = chosen ? 0 : -1;
        button.classList.toggle("chosen", chosen);
        if (chosen) button.dataset.main = "";
        else delete button.dataset.main;
      }
    };
  },
};
