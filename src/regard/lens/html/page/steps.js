// A text as it is written: at each word, what the model looked at.

import { axesOf, places, wordsOnly } from "./data.js";
import { directionOf, element, token } from "./dom.js";
import { ranking } from "./ranking.js";
import { rowsOf } from "./rows.js";
import { change, state } from "./state.js";
import { say } from "./strings.js";

const PACE = 900; // milliseconds for each word
const RANKED = 5;

/** The self-attention of the same layer over the same words, where the file has it. */
function ownWords(place) {
  return places.find(
    (one) =>
      one !== place &&
      one.of === place.of &&
      one.layer === place.layer &&
      one.queries === place.queries &&
      one.written === "within",
  );
}

function paragraph(labels) {
  const words = labels.map((label) => {
    const word = token(label);
    word.classList.add("lit");
    return word;
  });
  // Spaces between words are real, so that lines break and the text can be copied.
  return { host: element("p", { className: "text", dir: directionOf(labels) }, ...words.flatMap((word) => [word, " "])), words };
}

function light(words, row, shift = 0) {
  const levels = new Map(Array.from(row?.keys ?? [], (key, at) => [key + shift, row.weights[at] / (row.top || 1)]));
  words.forEach((word, position) => word.style.setProperty("--level", String(levels.get(position) ?? 0)));
}

export const steps = {
  name: "steps",
  label: "viewSteps",
  // Where one text is written from another, that is what is looked at; a text's look at itself comes with it.
  offered: (place) =>
    place.written ===
      (places.some((one) => one.of === place.of && one.written === "across") ? "across" : "within") &&
    Object.values(axesOf(place)).every(wordsOnly),

  async open(host, { place, rows, signal, scale }) {
    const { queries, keys } = axesOf(place);
    const last = queries.labels.length - 1;
    const companion = ownWords(place);
    const ownRows = companion ? await rowsOf(companion) : null;
    if (signal.aborted) return () => {};
    // A model that reads what it wrote has one text; its positions are queries and keys at once.
    const alone = place.queries === place.keys;
    const [source, written] = [paragraph(keys.labels), paragraph(queries.labels)];
    const slider = element("input", { type: "range", min: "0", max: String(last), "data-main": "" });
    const count = element("output", {});
    const [back, play, on] = [element("button", {}, "‹"), element("button", { className: "play" }), element("button", {}, "›")];
    back.setAttribute("aria-label", say("previous"));
    on.setAttribute("aria-label", say("next"));
    slider.setAttribute("aria-label", say("viewSteps"));
    const bars = element("div", { className: "beside" });
    host.append(
      element("div", { className: "player" }, back, play, on, slider, count),
      element(
        "div",
        { className: "halves" },
        element(
          "div",
          { className: "texts" },
          ...(alone ? [] : [element("h3", {}, say("source")), source.host]),
          element("h3", {}, say("words")),
          written.host,
        ),
        bars,
      ),
    );
    // What was read begins with a sign of the beginning, so its words lie one further on than those written.
    const shift = companion && companion.keys !== companion.queries ? -1 : 0;
    const ownRow = (query) =>
      ownRows?.row(companion.heads === place.heads ? state().head : "mean", query);
    let timer = null;

    function pause() {
      clearInterval(timer);
      timer = null;
      play.textContent = `▶ ${say("play")}`;
    }

    function start() {
      if ((state().query ?? 0) >= last) change({ query: 0 });
      timer = setInterval(() => (state().query >= last ? pause() : change({ query: (state().query ?? 0) + 1 })), PACE);
      play.textContent = `❚❚ ${say("pause")}`;
    }

    const go = (query) => {
      pause();
      change({ query: Math.min(Math.max(query, 0), last) });
    };
    play.addEventListener("click", () => (timer === null ? start() : pause()), { signal });
    back.addEventListener("click", () => go((state().query ?? 0) - 1), { signal });
    on.addEventListener("click", () => go((state().query ?? -1) + 1), { signal });
    slider.addEventListener("input", () => go(Number(slider.value)), { signal });
    slider.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        play.click();
      },
      { signal },
    );
    written.words.forEach((word, query) => word.addEventListener("click", () => go(query), { signal }));
    signal.addEventListener("abort", pause);
    pause();

    return () => {
      const { head } = state();
      const query = state().query ?? 0;
      const row = rows.row(head, query);
      slider.value = String(query);
      slider.setAttribute("aria-valuetext", queries.labels[query]);
      count.textContent = say("step", { step: query + 1, steps: last + 1 });
      light(source.words, row);
      light(written.words, alone ? row : ownRow(query), alone ? 0 : shift);
      written.words.forEach((word, position) => {
        word.classList.toggle("now", position === query);
        word.classList.toggle("later", position > query);
      });
      scale(row.top);
      bars.replaceChildren(ranking(row, keys.labels, RANKED));
    };
  },
};
