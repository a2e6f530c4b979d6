// Colours of weights: viridis, which rises evenly in lightness and is read in the same order by any colour vision.

const STOPS = [
  0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d, 0x2c728e, 0x26828e, 0x21918c, 0x1fa088, 0x28ae80,
  0x3fbc73, 0x5ec962, 0x84d44b, 0xaddc30, 0xd8e219, 0xfde725,
];

/** 256 colours, each as [red, green, blue]. */
export const VIRIDIS = Array.from({ length: 256 }, (_, level) => {
  const place = (level / 255) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  return [16, 8, 0].map((shift) => {
    const [from, to] = [(STOPS[low] >> shift) & 255, (STOPS[low + 1] >> shift) & 255];
    return Math.round(from + (to - from) * (place - low));
  });
});

/**
 * @param {number} level from 0 to 1
 * @returns {[number, number, number]}
 */
export function viridis(level) {
  return VIRIDIS[Math.round(255 * Math.min(Math.max(level, 0), 1))];
}

/** From purple through pale to orange: minus and plus for any colour vision. */
export function diverging(level) {
  const part = Math.min(Math.abs(level), 1);
  const [middle, end] = [[247, 247, 247], level < 0 ? [84, 39, 136] : [179, 88, 6]];
  return middle.map((value, index) => Math.round(value + (end[index] - value) * part));
}

/** @param {number[]} colour */
export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

/** Black or white, whichever is easier to read on a colour. */
export function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 130 ? "#000" : "#fff";
}

/**
 * A colour of the style sheet, as it is in the theme of this moment.
 * @param {string} name without dashes
 */
export function themed(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
