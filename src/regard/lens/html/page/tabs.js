// The views, as tabs.

import { element, freshId } from "./dom.js";
import { change } from "./state.js";
import { say } from "./strings.js";

/**
 * @param {HTMLElement} panel
 * @returns {{host: HTMLElement, show: (views: {name: string, label: string}[], chosen: string) => void}}
 */
export function tabs(panel) {
  const host = element("div", { className: "tabs", role: "tablist", "aria-label": say("views") });
  panel.id = freshId();
  panel.setAttribute("role", "tabpanel");
  host.addEventListener("keydown", (event) => {
    const all = [...host.children];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || !all[to]) return;
    event.preventDefault();
    change({ view: all[to].dataset.view });
    host.querySelector('[aria-selected="true"]').focus();
  });
  return {
    host,
    show(views, chosen) {
      const before = document.activeElement?.dataset?.view;
      host.replaceChildren(
        ...views.map(({ name, label }) => {
          const tab = element("button", { role: "tab", type: "button", id: freshId(), "aria-controls": panel.id }, say(label));
          tab.dataset.view = name;
          tab.setAttribute("aria-selected", String(name === chosen));
          tab.tabIndex = name === chosen ? 0 : -1;
          tab.addEventListener("click", () => change({ view: name }));
          if (name === chosen) panel.setAttribute("aria-labelledby", tab.id);
          return tab;
        }),
      );
      if (before) host.querySelector('[aria-selected="true"]').focus();
    },
  };
}
