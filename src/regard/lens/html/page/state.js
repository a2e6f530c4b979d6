// What is looked at now. Views draw it; controls change it.

import { places } from "./data.js";

/**
 * @typedef {Object} State
 * @property {number} place index of the place
 * @property {"mean"|"max"|number} head
 * @property {string} view
 * @property {?number} query the chosen query, if any
 * @property {?number} key the chosen key, if any
 * @property {boolean} byRow brightness by each row's largest weight
 */

/** @type {State} */
let now = { place: 0, head: "mean", view: "", query: null, key: null, byRow: false };
const listeners = [];

/** @returns {Readonly<State>} */
export function state() {
  return now;
}

/** The place that is looked at. */
export function place() {
  return places[now.place];
}

/** @param {(now: State, before: State) => void} listener */
export function onChange(listener) {
  listeners.push(listener);
}

/** @param {Partial<State>} changes */
export function change(changes) {
  const before = now;
  now = fitted({ ...now, ...changes }, before);
  for (const listener of listeners) listener(now, before);
}

/** What cannot be is mended: a head that this place lacks, a word of other axes. */
function fitted(wanted, before) {
  const [here, there] = [places[wanted.place], places[before.place]];
  const fits = { ...wanted };
  if (here.heads === 1) fits.head = 0;
  else if (there.heads === 1 && here !== there && wanted.head === before.head) fits.head = "mean";
  else if (typeof fits.head === "number") fits.head = Math.min(fits.head, here.heads - 1);
  if (here.summary && fits.head === "max") fits.head = "mean";
  if (here.queries !== there.queries) fits.query = null;
  if (here.keys !== there.keys) fits.key = null;
  return fits;
}
