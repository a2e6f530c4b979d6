// Translate: the translation while it is decoded, what each word looked at, the n best, and heads switched off.

import { ask, askLines } from "./api.js";
import { choice } from "./shared/choice.js";
import { element, freshId } from "./shared/dom.js";
import { faithfulness } from "./shared/faithful.js";
import { chooser } from "./chooser.js";
import { freshWords } from "./diff.js";
import { flow } from "./flow.js";
import { headSwitches } from "./heads.js";
import { modelChoice } from "./model-choice.js";
import { notice } from "./notice.js";
import { saving } from "./save.js";
import { number, tell } from "./words.js";

const PAUSE = 400; // milliseconds without a key until what is there is translated
const EXAMPLES = [
  "The cat sat on the mat.",
  "She gave him the book that she had been reading.",
  "I don't know why he left. Nobody told me that he was angry!",
];
const N_BEST = 5;
const METHODS = ["attention", "relevance", "gradient", "rollout"];
const SEARCHES = ["trained", 1, 5, 10];

export const translateView = {
  name: "translate",
  offered: (models) => models.filter((model) => model.task === "translation"),

  /** @param {{models: Object[], limits: Object}} given */
  build({ models, limits }) {
    let model = models[0];
    let beam = "trained";
    let [plain, changed, detail] = [null, null, null]; // {text, sentences}, the same with heads off, of one sentence
    let sentence = 0;
    let [running, looking] = [new AbortController(), new AbortController()];
    let timer = 0;

    const wrong = notice();
    const onError = (error, again = null) => wrong.error(error, again);
    const inputId = freshId();
    const input = element("textarea", { id: inputId, rows: 4, spellcheck: false, placeholder: tell("typeHere"), dir: "auto" });
    input.maxLength = limits.stream_characters;
    const counter = element("span", { className: "quiet" });
    const examples = element("div", { className: "chips", role: "group", "aria-label": tell("examples") },
      ...EXAMPLES.map((text) => {
        const button = element("button", { type: "button", title: text }, text);
        button.addEventListener("click", () => {
          input.value = text;
          start();
        });
        return button;
      }));
    const output = element("div", { className: "output", role: "status", "aria-live": "polite", dir: "auto" });
    const changedTitle = element("h2", {});
    const changedOutput = element("div", { className: "output changed", role: "status", "aria-live": "polite", dir: "auto" });
    const changedCard = element("section", { className: "half", hidden: true }, changedTitle, changedOutput);
    const state = element("span", { className: "quiet" });
    const copy = element("button", { type: "button", disabled: true }, tell("copy"));
    copy.hidden = !navigator.clipboard; // browsers have one at this machine's own address, or with https
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText((changed ?? plain).text);
      copy.textContent = tell("copied");
      setTimeout(() => {
        copy.textContent = tell("copy");
      }, 1500);
    });

    const path = () => `${model.address}/translate`;
    const decoding = () => ({ ...(beam === "trained" ? {} : { beam }), ...(switches.edit() && { edit: switches.edit() }) });
    // The n best need as many hypotheses.
    const best = () => Math.min(N_BEST, beam === "trained" ? model.beam : beam);

    const pick = modelChoice(models, (chosen) => {
      model = chosen;
      switches.clear();
      start();
    });
    const search = choice(tell("search"), (chosen) => {
      beam = chosen;
      showSearch();
      start();
    });
    const showSearch = () =>
      search.show(
        SEARCHES.filter((one) => one === "trained" || one <= limits.beam).map((one) => ({
          value: one,
          label: one === "trained" ? tell("asTrained") : one === 1 ? tell("greedy") : tell("beam", { beam: one }),
          name: one === "trained" ? tell("asTrained") : one === 1 ? tell("greedy") : tell("beam", { beam: one }),
        })),
        beam,
      );
    showSearch();

    const figure = flow();
    const faithful = element("p", { className: "note" });
    const maps = chooser(({ seen, head }) => {
      figure.show(seen, head);
      faithful.textContent = faithfulness(seen);
    }, (groups) => groups.find((one) => one.includes("cross")) ?? groups[0]);
    const which = choice(tell("sentence"), (chosen) => {
      sentence = chosen;
      look();
    });
    let method = "attention";
    const how = choice(tell("method"), (chosen) => {
      method = chosen;
      showMethods();
      look();
    });
    const showMethods = () => how.show(METHODS.map((one) => ({ value: one, label: tell(`method_${one}`), name: tell(`method_${one}`) })), method);
    showMethods();
    const note = element("p", { className: "note" });
    const whose = element("p", { className: "quiet" });
    const save = saving(
      () => ({ name: "translation", result: detail, path: path(), asking: { json: { text: detail.source, method, ...decoding() } } }),
      onError,
    );
    const attention = element("section", { className: "card", hidden: true },
      element("div", { className: "titled" }, element("h2", {}, tell("attentionTitle")), save),
      whose, element("div", { className: "tools" }, which.host, how.host), maps.host, figure.host, note, faithful);
    const switches = headSwitches(() => start());
    const ranked = element("ol", { className: "candidates" });
    const candidates = element("section", { className: "card" }, element("h2", {}, tell("nBest")), ranked, element("p", { className: "note" }, tell("scoreNote")));
    const more = element("div", { className: "pair", hidden: true }, switches.host, candidates);

    const host = element("div", { className: "view" },
      element("div", { className: "tools" }, pick.host, search.host),
      element("section", { className: "card desk" },
        element("div", { className: "half" }, element("label", { for: inputId, className: "overline" }, tell("text")), input,
          element("div", { className: "foot" }, examples, counter)),
        element("div", { className: "half" }, element("span", { className: "overline" }, tell("translation")), output,
          changedCard, element("div", { className: "foot" }, state, copy))),
      wrong.host, attention, more);

    function count() {
      counter.textContent = `${number(input.value.length)} / ${number(limits.stream_characters)}`;
    }

    function start() {
      clearTimeout(timer);
      count();
      running.abort();
      running = new AbortController();
      translate(running.signal).catch((error) => {
        if (error.name === "AbortError") return;
        state.textContent = "";
        for (const one of [output, changedOutput]) busy(one, false);
        onError(error, start);
      });
    }

    async function translate(signal) {
      wrong.clear();
      const text = input.value;
      copy.disabled = true;
      if (!text.trim()) {
        output.replaceChildren();
        for (const one of [changedCard, attention, more]) one.hidden = true;
        state.textContent = "";
        return;
      }
      const edit = switches.edit();
      const options = { text, drafts: true, ...(beam === "trained" ? {} : { beam }) };
      const before = plain;
      if (!edit || before?.asked !== JSON.stringify(options)) plain = await stream(options, output, signal);
      changedCard.hidden = !edit;
      changed = null;
      if (edit) {
        changedTitle.textContent = tell("headsOff", { count: switches.count() });
        changed = await stream({ ...options, edit }, changedOutput, signal);
        const pieces = freshWords(plain.text, changed.text);
        changedOutput.replaceChildren(...pieces.map(({ text: piece, fresh }) => (fresh ? element("ins", {}, piece) : piece)));
        state.textContent = plain.text === changed.text ? tell("same") : tell("differs");
      }
      copy.disabled = false;
      sentence = Math.min(sentence, plain.sentences.length - 1);
      await look();
    }

    /** One text, shown while it is decoded. */
    async function stream(options, place, signal) {
      const found = { asked: JSON.stringify(options), text: "", sentences: [] };
      const began = performance.now();
      busy(place, true);
      const draft = element("span", { className: "draft" });
      place.replaceChildren(draft);
      state.textContent = tell("translating");
      const asking = { json: options, signal, onWait: wrong.wait };
      for await (const line of askLines(`${path()}/stream`, asking)) {
        wrong.clear();
        if (line.kind === "draft") draft.textContent = line.text;
        if (line.kind !== "sentence") continue;
        draft.textContent = "";
        const gap = line.gap ?? "";
        draft.before(element("span", {}, line.text), gap || (line.number + 1 < line.of ? " " : ""));
        found.sentences.push(line);
        if (line.of > 1) state.textContent = tell("sentenceOf", { number: line.number + 1, of: line.of });
      }
      draft.remove();
      busy(place, false);
      found.text = place.textContent.trim();
      state.textContent = tell("took", { seconds: number((performance.now() - began) / 1000, 2, 2) });
      return found;
    }

    /** What was looked at in one sentence, and its n best; the newest choice alone is answered. */
    async function look() {
      const { sentences } = plain;
      if (!sentences.length) return;
      looking.abort();
      looking = new AbortController();
      const signal = AbortSignal.any([running.signal, looking.signal]);
      which.show(sentences.map((one, at) => ({ value: at, label: String(at + 1), name: tell("sentenceOf", { number: at + 1, of: sentences.length }) })), sentence);
      const source = sentences[sentence].source;
      const asked = { text: source, attention: "*", words: true, n_best: best(), method, ...decoding() };
      const answer = await ask(path(), { json: asked, signal, onWait: wrong.wait }).catch((error) => {
        if (error.name === "AbortError") return null;
        // The translation is there; only what it looked at is not. Another sentence or method may have it.
        unseen(true);
        more.hidden = true;
        onError(error, () => look());
        return null;
      });
      if (!answer) return;
      wrong.clear();
      unseen(false);
      detail = { source, ...answer };
      const seen = answer.sentences[0]?.attention ?? [];
      attention.hidden = !seen.length;
      more.hidden = false;
      whose.textContent = switches.count() ? tell("shownWithout", { count: switches.count() }) : "";
      whose.hidden = !switches.count();
      note.textContent = tell(`note_${method}`);
      maps.show(seen);
      // Other methods have one map of all heads.
      if (method === "attention") switches.show(seen);
      switches.host.hidden = !seen.length;
      ranked.replaceChildren(...answer.n_best.map(({ text, score }) =>
        element("li", {}, element("span", { dir: "auto" }, text), element("b", { title: tell("score") }, number(score, 3, 3)))));
    }

    function unseen(is) {
      for (const one of [save, whose, maps.host, figure.host, note, faithful]) one.hidden = is;
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      count();
      timer = setTimeout(start, PAUSE);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) start();
    });
    count();
    return { host, redraw: figure.redraw };
  },
};

/** While a text grows, screen readers wait for its end. */
function busy(place, is) {
  place.classList.toggle("running", is);
  place.setAttribute("aria-busy", String(is));
}
