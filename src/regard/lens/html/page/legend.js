// What colours mean, how exact the numbers are, and how faithful the map.

import { VIRIDIS, css } from "./colours.js";
import { element } from "./dom.js";
import { faithfulness } from "./faithful.js";
import { state } from "./state.js";
import { language, percent, say } from "./strings.js";

/** @returns {{host: HTMLElement, open: (rows: ?import("./rows.js").Rows, colours: string) => void,
 *   scale: (top: ?number) => void}} */
export function legend() {
  const bar = element("span", { className: "ramp", "aria-hidden": "true" });
  const end = element("span", {});
  const host = element("div", { className: "scale" }, element("span", {}, "0"), bar, end);
  const exact = element("p", {});
  const faithful = element("p", {});
  const stops = VIRIDIS.filter((_, level) => level % 15 === 0).map(css);
  return {
    host: element("footer", {}, host, exact, faithful),
    /** For another view. */
    open(rows, colours) {
      host.hidden = !colours;
      bar.style.background = colours === "viridis" ? `linear-gradient(to right, ${stops.join(", ")})` : "";
      bar.classList.toggle("ink", colours === "ink");
      exact.hidden = !rows;
      if (rows) exact.textContent = exactness(rows);
      faithful.hidden = !rows;
      if (rows) faithful.textContent = faithfulness(rows.place);
    },
    /** The weight of the brightest colour; null where each row has its own. */
    scale(top) {
      end.textContent = top === null ? say("rowsLargest") : percent(top);
    },
  };
}

function exactness(rows) {
  const step = `1/${rows.place.levels.toLocaleString(language)}`;
  if (rows.whole) return say("accuracyAll", { step });
  const { left, worst } = rows.leftOut(state().head);
  const { largest } = rows.place;
  return say("accuracySome", { largest, step, left: percent(left), worst: percent(worst) });
}
