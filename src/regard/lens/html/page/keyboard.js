// Keys that work everywhere, and the list of all of them.

import { moveHead, moveLayer } from "./controls.js";
import { element } from "./dom.js";
import { change } from "./state.js";
import { say } from "./strings.js";

const KEYS = [
  ["← → ↑ ↓", "keyMove"],
  ["Enter, Space", "keyOpen"],
  [", .", "keyHeads"],
  ["[ ]", "keyLayers"],
  ["1 … 7", "keyViews"],
  ["Esc", "keyFree"],
];

function help() {
  const list = element(
    "dl",
    {},
    ...KEYS.flatMap(([keys, name]) => [
      element("dt", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))),
      element("dd", {}, say(name)),
    ]),
  );
  const close = element("button", { type: "button" }, say("close"));
  const dialog = element("dialog", { "aria-label": say("helpTitle") }, element("h2", {}, say("helpTitle")), list, close);
  close.addEventListener("click", () => dialog.close());
  return dialog;
}

/**
 * @param {string[]} views names, in their order
 * @returns {HTMLElement} a button that opens the list
 */
export function keyboard(views) {
  const dialog = help();
  document.body.append(dialog);
  const button = element("button", { className: "help", type: "button", title: say("helpTitle") }, `⌨ ${say("helpTitle")}`);
  button.addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    // Letters typed into a list of options choose there.
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.target.tagName === "SELECT") return;
    const view = views[Number(event.key) - 1];
    if (event.key === ",") moveHead(-1);
    else if (event.key === ".") moveHead(1);
    else if (event.key === "[") moveLayer(-1);
    else if (event.key === "]") moveLayer(1);
    else if (event.key === "Escape") change({ query: null, key: null });
    else if (event.key === "?") dialog.showModal();
    else if (view) change({ view });
    else return;
    event.preventDefault();
  });
  return button;
}
