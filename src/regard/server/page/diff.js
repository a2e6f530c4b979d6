// Which words of a text are not in another: the longest common run of words stays (Myers' problem, small texts).

/**
 * @param {string} before
 * @param {string} after
 * @returns {{text: string, fresh: boolean}[]} the pieces of `after`; fresh ones are not in `before`
 */
export function freshWords(before, after) {
  const [old, now] = [before, after].map((text) => text.match(/\s+|\p{L}+|\p{N}+|[^\s\p{L}\p{N}]/gu) ?? []);
  // More than that is no sentence, and is compared word by word in place.
  if (old.length * now.length > 1_000_000) return now.map((text, at) => ({ text, fresh: text !== old[at] }));
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i][j] = old[i] === now[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const pieces = [];
  let [i, j] = [0, 0];
  while (j < now.length) {
    if (i < old.length && old[i] === now[j]) {
      pieces.push({ text: now[j], fresh: false });
      i += 1;
      j += 1;
    } else if (i < old.length && common[i + 1][j] >= common[i][j + 1]) i += 1;
    else {
      pieces.push({ text: now[j], fresh: /\S/.test(now[j]) });
      j += 1;
    }
  }
  return pieces;
}
