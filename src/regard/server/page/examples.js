// Pictures made here, to try a model with: nothing is loaded from anywhere.

/** Numbers from 0 to 1 that look like chance, but are the same each time (mulberry32). */
function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function board(width, height, ground) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  return context;
}

const DIGITS = [
  [[[70, 70], [205, 70], [150, 150], [115, 225]]],
  [[[85, 85], [130, 60], [180, 80], [180, 120], [130, 140], [185, 165], [190, 210], [140, 235], [85, 215]]],
  [[[90, 60], [80, 145], [200, 145]], [[175, 60], [165, 230]]],
  [[[140, 55], [90, 90], [85, 180], [140, 225], [195, 180], [195, 95], [140, 55]]],
];

/** A digit in white strokes on black, as it would be drawn by hand. */
function digit(number) {
  const context = board(280, 280, "#000");
  Object.assign(context, { strokeStyle: "#fff", lineWidth: 22, lineCap: "round", lineJoin: "round" });
  for (const stroke of DIGITS[number % DIGITS.length]) {
    context.beginPath();
    stroke.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
  return context.canvas;
}

/** Bright cells with soft edges on a dark ground. */
function cells(number) {
  const random = chance(number + 1);
  const context = board(256, 256, "#0b0b0d");
  for (let cell = 0; cell < 26; cell += 1) {
    const [x, y, r] = [12 + 232 * random(), 12 + 232 * random(), 7 + 8 * random()];
    const light = Math.round(110 + 120 * random());
    context.save();
    context.translate(x, y);
    context.rotate(Math.PI * random());
    context.scale(1, 0.65 + 0.3 * random());
    const shade = context.createRadialGradient(0, 0, 0, 0, 0, r);
    shade.addColorStop(0, `rgb(${light} ${light} ${light})`);
    shade.addColorStop(0.8, `rgb(${light - 30} ${light - 30} ${light - 30})`);
    shade.addColorStop(1, "rgb(11 11 13 / 0)");
    context.fillStyle = shade;
    context.beginPath();
    context.arc(0, 0, r, 0, 2 * Math.PI);
    context.fill();
    context.restore();
  }
  return context.canvas;
}

/** Shapes under noise. */
function noisy(number) {
  const random = chance(number + 1);
  const context = board(192, 192, "#c9d4de");
  for (const [colour, x, y, r] of [["#2c6e8f", 60, 70, 38], ["#c9653a", 128, 112, 46], ["#e9c46a", 92, 146, 24]]) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x + 8 * number, y, r, 0, 2 * Math.PI);
    context.fill();
  }
  const image = context.getImageData(0, 0, 192, 192);
  for (let at = 0; at < image.data.length; at += 1) {
    if (at % 4 === 3) continue;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    image.data[at] += 26 * normal;
  }
  context.putImageData(image, 0, 0);
  return context.canvas;
}

const MAKERS = { "image-classification": digit, segmentation: cells, denoising: noisy, "anomaly-detection": noisy };

/** @returns {HTMLCanvasElement} the next example for a task */
export function example(task, number) {
  return MAKERS[task](number);
}
