// Attention maps as the API sends them, by place: `decoder.2.cross` is layer 2 of the group `decoder.*.cross`.

/** @typedef {{name: string, queries: string[], keys: string[], weights: number[][][], key_grid: ?Object}} Seen */

const LAYER = /(?<![^.])\d+(?![^.])/;

/** The name with the layer left open. */
export function groupOf(name) {
  return name.replace(LAYER, "*");
}

/** The layer's number, or null. */
export function layerOf(name) {
  return name.match(LAYER)?.[0] ?? null;
}

/** What a group is called: its name without the layer. */
export function groupName(group) {
  return group.replace(/\.?\*\.?/, " ").trim() || group;
}

/** Mean, largest, and each head. */
export function headsOf(seen) {
  const single = seen.weights.map((_, head) => head);
  return single.length === 1 ? single : ["mean", "max", ...single];
}

/**
 * The weights of a head, or of all together, [queries][keys].
 * @param {Seen} seen
 * @param {"mean"|"max"|number} head
 * @returns {number[][]}
 */
export function weightsOf(seen, head) {
  if (typeof head === "number") return seen.weights[head];
  const join = head === "mean" ? (all) => all.reduce((sum, one) => sum + one, 0) / all.length : (all) => Math.max(...all);
  return seen.queries.map((_, query) => seen.keys.map((_, key) => join(seen.weights.map((one) => one[query][key]))));
}
