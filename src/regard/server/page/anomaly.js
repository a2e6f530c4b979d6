// How much, and where, a picture differs from good ones.

import { bitmapOf, fromBase64, paint } from "./picture.js";
import { viridis } from "./shared/colours.js";
import { element } from "./shared/dom.js";
import { slider, stage } from "./stage.js";
import { number, tell } from "./words.js";

/**
 * @param {{score: number, threshold: number, anomalous: boolean, heat: string, restored: string}} answer
 * @param {?ImageBitmap} picture
 */
export async function anomaly(answer, picture) {
  const [heat, restored] = await Promise.all([bitmapOf(fromBase64(answer.heat)), bitmapOf(fromBase64(answer.restored))]);
  const board = stage(tell("heat"));
  board.shape(heat.width, heat.height);
  paint(board.under, picture ?? restored);
  paint(board.over, heat);
  const context = board.over.getContext("2d");
  const image = context.getImageData(0, 0, heat.width, heat.height);
  const levels = Uint8Array.from({ length: heat.width * heat.height }, (_, at) => image.data[4 * at]);
  levels.forEach((level, at) => image.data.set(viridis(level / 255), 4 * at));
  context.putImageData(image, 0, 0);
  const strength = slider(tell("strength"), 60, (part) => show(part));
  const show = (part) => board.over.style.setProperty("opacity", String(part));
  show(strength.part());
  const small = element("canvas", { className: "restored", role: "img", "aria-label": tell("restored") });
  paint(small, restored);
  // The scale ends at twice the threshold, so that the threshold stands in its middle.
  const gauge = element("div", { className: "gauge", role: "img", "aria-label": `${number(answer.score, 4)}, ${tell("threshold", { threshold: number(answer.threshold, 4) })}` }, element("i", {}), element("b", {}));
  gauge.style.setProperty("--part", String(Math.min(answer.score / (2 * answer.threshold || 1), 1)));
  return element("div", { className: "halves" },
    element("div", {}, board.host, element("div", { className: "tools under-stage" }, strength.host)),
    element("div", {}, element("p", { className: "overline" }, tell("result")),
      element("p", { className: "answer" }, tell(answer.anomalous ? "anomalous" : "good")), gauge,
      element("p", { className: "quiet" }, `${tell("score")} ${number(answer.score, 4)} · ${tell("threshold", { threshold: number(answer.threshold, 4) })}`),
      element("p", { className: "overline" }, tell("restored")), small));
}
