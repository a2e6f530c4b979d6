// The page: what stands where, and which view is open.

import { controls } from "./controls.js";
import { axesOf, places, title } from "./data.js";
import { element } from "./dom.js";
import { heatMap } from "./heat-map.js";
import { keyboard } from "./keyboard.js";
import { legend } from "./legend.js";
import { lines } from "./lines.js";
import { overview } from "./overview.js";
import { pictureView } from "./picture-view.js";
import { products } from "./products.js";
import { rowsOf } from "./rows.js";
import { change, onChange, place, state } from "./state.js";
import { steps } from "./steps.js";
import { summaryView } from "./summary-view.js";
import { language, say } from "./strings.js";
import { tabs } from "./tabs.js";
import { themeSwitch } from "./theme.js";

const VIEWS = [overview, summaryView, pictureView, lines, steps, heatMap, products];
const SCALES = { lines: "ink", steps: "ink", map: "viridis", picture: "viridis" };

/** The views of which some place in the file has something to show. */
const VIEWS_HERE = VIEWS.filter((view) => places.some(view.offered));
const named = (name) => VIEWS.find((view) => view.name === name);

/** Where place and view do not fit each other, the one that was not just chosen follows the other. */
function fitted(now, before) {
  const view = named(now.view);
  if (view.offered(place())) return null;
  if (now.view === before.view) return { view: VIEWS_HERE.find((one) => one !== overview && one.offered(place())).name };
  const able = places.filter(view.offered);
  const near = able.filter((one) => one.of === place().of);
  const nearest = near.find((one) => one.layer === place().layer) ?? near[0] ?? able[0];
  return { place: places.indexOf(nearest) };
}

/** How large the model and its input are. */
function subtitle() {
  const { queries, keys } = axesOf(place());
  const here = places.filter((one) => one.of === place().of);
  const heads = here.reduce((sum, one) => sum + one.heads, 0);
  const size =
    keys.kind === "grid"
      ? say("subtitlePatches", keys)
      : say("subtitleTokens", { queries: queries.labels.length, keys: keys.labels.length });
  return `${say("subtitleHeads", { places: here.length, heads })} · ${size}`;
}

function start() {
  document.documentElement.lang = language;
  const panel = element("div", { className: "panel" });
  const [choosers, views, footer] = [controls(), tabs(panel), legend()];
  const size = element("p", { className: "subtitle" });
  let update = () => {};
  const redraw = () => {
    update();
    choosers.show();
  };
  const tools = element("div", { className: "page-tools" }, themeSwitch(redraw), keyboard(VIEWS_HERE.map((one) => one.name)));
  document.getElementById("app").append(
    element(
      "header",
      {},
      element("div", {}, element("h1", { dir: "auto" }, title), size),
      tools,
    ),
    choosers.host,
    element("main", {}, views.host, panel, footer.host),
  );

  /** Ends the view that is open, with all its listeners. */
  let closing = new AbortController();

  async function open() {
    closing.abort();
    closing = new AbortController();
    const { signal } = closing;
    const view = named(state().view);
    const here = place();
    const rows = view === overview || here.summary ? null : await rowsOf(here);
    if (signal.aborted) return;
    const focused = panel.contains(document.activeElement);
    panel.replaceChildren();
    panel.dataset.view = view.name;
    update = () => {};
    const show = await view.open(panel, { place: here, rows, signal, scale: footer.scale });
    if (signal.aborted) return;
    update = () => {
      footer.open(rows, SCALES[view.name]);
      show();
    };
    update();
    // Whoever works by keys stays where they were.
    if (focused) panel.querySelector("[data-main]")?.focus();
  }

  onChange((now, before) => {
    const mended = fitted(now, before);
    if (mended) {
      change(mended);
      return;
    }
    choosers.show();
    size.textContent = subtitle();
    if (now.view !== before.view || now.place !== before.place) {
      views.show(VIEWS_HERE, now.view);
      open();
    } else update();
  });
  new ResizeObserver(() => update()).observe(panel);
  change({ view: VIEWS_HERE[0].name });
}

start();
