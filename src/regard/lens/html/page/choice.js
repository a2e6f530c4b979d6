// One of several, in a row: native radio buttons, so that arrow keys and screen readers know them.

import { element, freshId } from "./dom.js";

/**
 * @param {string} label
 * @param {(value: *) => void} onChoose
 * @returns {{host: HTMLElement, show: (options: {value: *, label: string, name: string}[], chosen: *) => void}}
 */
export function choice(label, onChoose) {
  const name = freshId();
  const options = element("div", { className: "options" });
  const host = element("fieldset", { className: "choice" }, element("legend", {}, label), options);
  let shown = "";
  let inputs = new Map();

  function rebuild(offered) {
    inputs = new Map();
    options.replaceChildren(
      ...offered.map((option) => {
        const input = element("input", { type: "radio", name, "aria-label": option.name });
        input.addEventListener("change", () => onChoose(option.value));
        inputs.set(option.value, input);
        return element("label", { title: option.name }, input, element("span", { dir: "auto" }, option.label));
      }),
    );
  }

  return {
    host,
    show(offered, chosen) {
      const now = JSON.stringify(offered);
      if (now !== shown) rebuild(offered);
      shown = now;
      inputs.get(chosen).checked = true;
      host.hidden = offered.length < 2;
    },
  };
}
