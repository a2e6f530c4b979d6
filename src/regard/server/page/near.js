// Neighbours of a word in the embedding.

import { ask } from "./api.js";
import { notice } from "./notice.js";
import { choice } from "./shared/choice.js";
import { element, freshId } from "./shared/dom.js";
import { number, tell } from "./words.js";

const SIDES = ["source", "target"];

/** @param {{address: string, task: string}} model */
export function near(model) {
  let side = "source";
  const id = freshId();
  const input = element("input", { id, type: "text", maxLength: 100, autocomplete: "off", spellcheck: false, placeholder: tell("nearHint") });
  const list = element("ol", { className: "ranking" });
  const wrong = notice();
  const form = element("form", { className: "ask" }, element("label", { for: id, className: "unseen" }, tell("near")), input, element("button", { className: "main" }, tell("search")));
  const sides = choice(tell("side"), (chosen) => {
    side = chosen;
    showSides();
    if (input.value.trim()) find();
  });
  const showSides = () => sides.show((model.task === "translation" ? SIDES : SIDES.slice(0, 1)).map((one) => ({ value: one, label: tell(`side_${one}`), name: tell(`side_${one}`) })), side);

  async function find() {
    wrong.clear();
    const query = new URLSearchParams({ word: input.value.trim(), side, count: "12" });
    try {
      const { neighbours } = await ask(`${model.address}/neighbours?${query}`, { onWait: wrong.wait });
      wrong.clear();
      list.replaceChildren(...neighbours.map(({ token, cosine }) => {
        const bar = element("span", { className: "bar" });
        bar.style.setProperty("--part", String(Math.max(cosine, 0)));
        return element("li", {}, element("span", { className: "token", dir: "auto" }, token.replace(/^▁/, "") || token), bar, element("b", {}, number(cosine, 2, 2)));
      }));
    } catch (error) {
      list.replaceChildren();
      wrong.error(error);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) find();
  });
  showSides();
  return element("div", {}, sides.host, form, wrong.host, list, element("p", { className: "note" }, tell("nearNote")));
}
