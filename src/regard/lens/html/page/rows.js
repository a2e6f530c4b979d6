// Rows of attention, as they are kept: the largest weights of each, and the sum of the rest.

import { arraysOf, axesOf } from "./data.js";

/** @typedef {{keys: Uint32Array, weights: Float32Array, rest: number, top: number}} Row */

/** The rows of all heads of one place. */
export class Rows {
  /**
   * @param {import("./data.js").Place} place
   * @param {Object<string, *>} arrays
   */
  constructor(place, arrays) {
    this.place = place;
    this.queries = axesOf(place).queries.labels.length;
    this.keys = axesOf(place).keys.labels.length;
    this.arrays = arrays;
    this.whole = arrays.steps.length === 0 && arrays.levels.length > 0;
    this.starts = new Uint32Array(arrays.counts.length + 1);
    arrays.counts.forEach((count, row) => {
      this.starts[row + 1] = this.starts[row] + count;
    });
  }

  /** @param {"mean"|"max"|number} head */
  slot(head) {
    if (head === "mean") return this.place.heads === 1 ? 0 : this.place.heads;
    return head === "max" ? this.place.heads + 1 : head;
  }

  /** The largest weight of a head. */
  top(head) {
    return this.place.tops[this.slot(head)] || 1;
  }

  /** The share of a head's attention that is left out, and of its worst row. */
  leftOut(head) {
    return { left: this.place.left[this.slot(head)], worst: this.place.worst[this.slot(head)] };
  }

  /**
   * What one query attends to; keys in order.
   * @returns {Row}
   */
  row(head, query) {
    const index = this.slot(head) * this.queries + query;
    const [start, end] = [this.starts[index], this.starts[index + 1]];
    const { scales, rest, steps, levels } = this.arrays;
    const keys = new Uint32Array(end - start);
    const weights = new Float32Array(end - start);
    let key = 0;
    for (let at = start; at < end; at += 1) {
      key = this.whole ? at - start : key + steps[at];
      keys[at - start] = key;
      weights[at - start] = (levels[at] * scales[index]) / this.place.levels;
    }
    return { keys, weights, rest: rest[index], top: scales[index] };
  }

  /**
   * One weight. Where it was left out: an upper bound of it.
   * @returns {{weight: number, kept: boolean}}
   */
  weight(head, query, key) {
    const row = this.row(head, query);
    const at = row.keys.indexOf(key);
    if (at >= 0) return { weight: row.weights[at], kept: true };
    // It is no larger than the smallest that was kept, nor than all that was left out.
    const smallest = row.weights.reduce((least, weight) => Math.min(least, weight), Infinity);
    const half = row.top / (2 * this.place.levels);
    return { weight: Math.min(smallest + half, row.rest), kept: false };
  }

  /** What every query gives to one key, [queries]; 0 where it was left out. */
  column(head, key) {
    return Float32Array.from({ length: this.queries }, (_, query) => {
      const row = this.row(head, query);
      const at = row.keys.indexOf(key);
      return at < 0 ? 0 : row.weights[at];
    });
  }

  /** The mean over queries, as one row, [keys]; `rest` is the mean of what was left out. */
  average(head, first = 0) {
    const weights = new Float32Array(this.keys);
    let rest = 0;
    const count = this.queries - first;
    for (let query = first; query < this.queries; query += 1) {
      const row = this.row(head, query);
      row.keys.forEach((key, at) => {
        weights[key] += row.weights[at] / count;
      });
      rest += row.rest / count;
    }
    return { keys: Uint32Array.from(weights, (_, key) => key), weights, rest, top: Math.max(...weights) };
  }
}

const made = new Map();

/**
 * @param {import("./data.js").Place} place
 * @returns {Promise<Rows>}
 */
export function rowsOf(place) {
  if (!made.has(place)) made.set(place, arraysOf(place.rows).then((arrays) => new Rows(place, arrays)));
  return made.get(place);
}

/** The largest weights of a row first: [[key, weight], …], `count` at most. */
export function largest(row, count) {
  return Array.from(row.keys, (key, at) => [key, row.weights[at]])
    .filter(([, weight]) => weight > 0)
    .sort((one, other) => other[1] - one[1])
    .slice(0, count);
}
