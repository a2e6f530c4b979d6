// How faithful a map is, in words: by a figure of its own or of its place, or why there is none.

import { percent, say } from "./strings.js";

/** Words for the reasons that a map may have, as the library names them. */
const REASONS = {
  "its rows are no answers": "faithfulRows",
  "there is nothing that could be taken away": "faithfulNothing",
};

/**
 * Whether answers hang on what a map says; nobody should take that for granted.
 * @param {{faithfulness: ?Object, unmeasured: ?string}} seen
 */
export function faithfulness({ faithfulness: measured, unmeasured }) {
  if (!measured) return say(REASONS[unmeasured] ?? "faithfulNot");
  const [deletion, atRandom, spread] = shares(measured.deletion);
  const [insertion, insertionAtRandom, insertionSpread] = shares(measured.insertion);
  const told = say("faithful", { deletion, atRandom, spread, insertion, insertionAtRandom, insertionSpread });
  return measured.data ? `${told} ${say("faithfulMean", measured)}` : told;
}

function shares({ own, random, spread }) {
  return [own, random, spread].map(percent);
}
