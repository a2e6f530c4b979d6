// The largest weights of a row as bars.

import { element, token } from "./dom.js";
import { largest } from "./rows.js";
import { percent, say } from "./strings.js";

/**
 * @param {import("./rows.js").Row} row
 * @param {string[]} labels of the keys
 * @param {number} count at most
 * @param {(key: number) => ?Node} [icon] what stands before the label
 */
export function ranking(row, labels, count, icon = () => null) {
  const top = largest(row, count);
  const named = top.map(([key, weight]) => [token(labels[key]), weight, icon(key)]);
  if (row.rest > 0.0005) named.push([element("span", { className: "quiet" }, say("elsewhere")), row.rest, null]);
  const most = Math.max(...named.map(([, weight]) => weight), 1e-9);
  return element(
    "ol",
    { className: "ranking" },
    ...named.map(([name, weight, picture]) => {
      const bar = element("span", { className: "bar" });
      bar.style.setProperty("--part", String(weight / most));
      return element("li", {}, picture, name, bar, element("b", {}, percent(weight)));
    }),
  );
}
