// What is pointed at, in words: one line above a view, which screen readers follow.

import { element, token } from "./dom.js";
import { percent } from "./strings.js";

/**
 * @returns {{host: HTMLElement, show: (...parts: (Node|string)[]) => void}}
 */
export function readout() {
  const host = element("p", { className: "readout", role: "status", "aria-live": "polite" });
  return { host, show: (...parts) => host.replaceChildren(...parts) };
}

/**
 * A text of the page with a word of the model's input where the text has a place for it.
 * @param {(word: string) => string} sentence
 */
export function around(sentence, label) {
  const [before, after] = sentence("\u0000").split("\u0000");
  return [before, typeof label === "string" ? quoted(label) : label, after];
}

/** Words and their weights, one after another. */
export function listed(pairs) {
  return pairs.flatMap(([label, weight], at) => [at ? " · " : " ", quoted(label), ` ${percent(weight)}`]);
}

/** A word of the model's input within a sentence of the page. */
export function quoted(label) {
  const word = token(label);
  word.classList.add("quoted");
  return word;
}
