// What the file holds: a manifest that is read at once, and blocks of numbers that are unpacked when looked at.

/**
 * @typedef {{kind: "tokens", labels: string[]}} Tokens
 * @typedef {{kind: "grid", labels: string[], rows: number, columns: number, specials: string[],
 *   image_size: number[], picture: ?number}} Grid
 * @typedef {{block: number, packed: boolean, arrays: Object<string, [string, number, number]>}} Stored
 * @typedef {{name: string, group: string, of: string, layer: ?number, heads: number, queries: number, keys: number,
 *   faithfulness: ?{deletion: number[], insertion: number[]},
 *   written: ?("across"|"within"), levels: number, tops: number[], left: number[], worst: number[], largest: number,
 *   thumbnail: number[], rows: ?Stored, summary: ?Stored, vectors: ?(Stored & {dim: number, keyHeads: number})}} Place
 */

const manifest = JSON.parse(document.getElementById("regard-manifest").textContent);

const TYPES = { Uint8Array, Int8Array, Uint16Array, Uint32Array, Float32Array };
// White space is a token too, and is to be seen.
const SIGNS = { "\n": "↵", "\t": "⇥", "": "␣", " ": "␣" };

/** @type {string} */
export const title = manifest.title;
/** @type {Place[]} */
export const places = manifest.records;
/** What the places are of: a text or a picture, in words; one that has no words where there is but one. */
export const inputs = [...new Set(places.map((one) => one.of))];
/** @type {string[]} */
export const pictures = manifest.pictures;
/** @type {(Tokens|Grid)[]} */
export const axes = manifest.axes.map((axis) => ({ ...axis, labels: labelsOf(axis) }));
/** @type {Stored} */
export const thumbnails = manifest.thumbnails;

/** @param {Place} place */
export function axesOf(place) {
  return { queries: axes[place.queries], keys: axes[place.keys] };
}

/** Whether every weight of a place can be told, or only figures of them. */
export function hasWeights(place) {
  return !place.summary;
}

const MOST_WORDS = 4096; // more of them as elements would make a page slow; the heat map takes any number

/** Whether an axis is words, and no more of them than can stand side by side. */
export function wordsOnly(axis) {
  return axis.kind === "tokens" && axis.labels.length <= MOST_WORDS;
}

const unpacked = new Map();

/**
 * The arrays of a block, unpacked once.
 * @param {Stored} stored
 * @returns {Promise<Object<string, *>>}
 */
export function arraysOf(stored) {
  if (!unpacked.has(stored.block)) unpacked.set(stored.block, unpack(stored));
  return unpacked.get(stored.block);
}

async function unpack({ block, packed, arrays }) {
  const script = document.getElementById(`regard-block-${block}`);
  let bytes = fromBase64(script.textContent);
  script.remove(); // The text is not needed again, and is large.
  if (packed) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  return Object.fromEntries(
    Object.entries(arrays).map(([name, [type, offset, length]]) => [
      name,
      new TYPES[type](bytes.buffer, offset, length),
    ]),
  );
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index += 1) bytes[index] = letters.charCodeAt(index);
  return bytes;
}

function labelsOf(axis) {
  if (axis.kind === "tokens") return axis.labels.map((label) => SIGNS[label] ?? label);
  const patches = Array.from(
    { length: axis.rows * axis.columns },
    (_, patch) => `${Math.floor(patch / axis.columns)},${patch % axis.columns}`,
  );
  return [...axis.specials, ...patches];
}
