// Light or dark: as the reader's system says, or as chosen here.

import { choice } from "./choice.js";
import { say } from "./strings.js";

/** @param {() => void} onChange called when colours are others than before */
export function themeSwitch(onChange) {
  const root = document.documentElement;
  const switcher = choice(say("theme"), (theme) => {
    root.dataset.theme = theme;
    show();
    onChange();
  });
  const show = () =>
    switcher.show(
      ["auto", "light", "dark"].map((value) => ({ value, label: say(value), name: say(value) })),
      root.dataset.theme,
    );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  show();
  switcher.host.classList.add("theme");
  return switcher.host;
}
