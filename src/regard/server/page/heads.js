// Heads that are switched off: a switch for each, by place.

import { element } from "./shared/dom.js";
import { tell } from "./words.js";

/**
 * @param {() => void} onChange
 * @returns {{host: HTMLElement, show: (maps: import("./places.js").Seen[]) => void, edit: () => ?Object,
 *   count: () => number, clear: () => void}}
 */
export function headSwitches(onChange) {
  /** Places, and the heads that are off there. @type {Map<string, Set<number>>} */
  const off = new Map();
  const table = element("table", { className: "switches" });
  const clear = element("button", { type: "button", disabled: true }, tell("allOn"));
  const host = element(
    "section",
    { className: "card" },
    element("h2", {}, tell("headsTitle")),
    element("p", { className: "quiet" }, tell("headsHint")),
    element("div", { className: "wide" }, table),
    clear,
  );
  let shown = "";
  const count = () => [...off.values()].reduce((sum, heads) => sum + heads.size, 0);

  /** Of one head, or of a whole row: if any of them is on, all go off. */
  function flip(place, buttons) {
    const heads = off.get(place) ?? new Set();
    const isOn = [...buttons.keys()].some((head) => !heads.has(head));
    for (const [head, button] of buttons) {
      heads[isOn ? "add" : "delete"](head);
      paint(button, head, isOn);
    }
    off.set(place, heads);
    clear.disabled = !count();
    onChange();
  }

  function paint(button, head, isOff) {
    button.setAttribute("aria-checked", String(!isOff));
    button.textContent = isOff ? "×" : String(head);
  }

  function row({ name, weights }) {
    const buttons = new Map(
      weights.map((_, head) => {
        const button = element("button", { type: "button", role: "switch", "aria-label": tell("switchHead", { place: name, head }) });
        button.addEventListener("click", () => flip(name, new Map([[head, button]])));
        paint(button, head, off.get(name)?.has(head) ?? false);
        return [head, button];
      }),
    );
    const all = element("button", { type: "button", title: tell("switchAll") }, name);
    all.addEventListener("click", () => flip(name, buttons));
    return element("tr", {}, element("th", { scope: "row" }, all), element("td", {}, ...buttons.values()));
  }

  function reset() {
    off.clear();
    shown = ""; // the switches are made anew
    clear.disabled = true;
  }

  clear.addEventListener("click", () => {
    reset();
    onChange();
  });
  return {
    host,
    count,
    show(maps) {
      const now = JSON.stringify(maps.map(({ name, weights }) => [name, weights.length]));
      if (now !== shown) table.replaceChildren(element("tbody", {}, ...maps.map(row)));
      shown = now;
    },
    edit() {
      const places = [...off].filter(([, heads]) => heads.size);
      if (!places.length) return null;
      return Object.fromEntries(places.map(([place, heads]) => [place, { heads: Object.fromEntries([...heads].map((head) => [head, 0])) }]));
    },
    clear: reset,
  };
}
