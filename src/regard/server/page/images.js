// Images: a picture that is dropped, pasted, chosen or drawn, and what a network makes of it.

import { anomaly } from "./anomaly.js";
import { ask } from "./api.js";
import { beforeAfter } from "./before-after.js";
import { classes } from "./classes.js";
import { example } from "./examples.js";
import { masks } from "./masks.js";
import { modelChoice } from "./model-choice.js";
import { notice } from "./notice.js";
import { pad } from "./pad.js";
import { bitmapOf, fileOf, paint } from "./picture.js";
import { saving } from "./save.js";
import { element } from "./shared/dom.js";
import { tell } from "./words.js";

/** By task: the route, and what shows its answer. */
const TASKS = {
  "image-classification": { route: "classify", show: classes },
  segmentation: { route: "segment", show: masks },
  denoising: { route: "denoise", show: beforeAfter },
  "anomaly-detection": { route: "detect", show: anomaly },
};

export const imagesView = {
  name: "images",
  offered: (models) => models.filter((model) => model.task in TASKS),

  /** @param {{models: Object[]}} given */
  build({ models }) {
    let model = models[0];
    let [file, result, examples] = [null, null, 0];
    let running = new AbortController();
    const wrong = notice();
    const preview = element("canvas", { className: "preview", hidden: true, role: "img", "aria-label": tell("picture") });
    const hint = element("p", { className: "quiet" }, tell("dropHere"));
    const drawing = pad((canvas) => take(canvas));
    drawing.host.hidden = true;
    const drop = element("div", { className: "drop" }, hint, preview, drawing.host);
    const chosen = element("input", { type: "file", accept: "image/*,.tif,.tiff", className: "unseen", tabIndex: -1, "aria-label": tell("choosePicture") });
    const button = (label, onClick, className = "") => {
      const made = element("button", { type: "button", className }, label);
      made.addEventListener("click", onClick);
      return made;
    };
    const drawButton = button(tell("draw"), () => pen(drawing.host.hidden));
    const wipe = button(tell("wipe"), () => drawing.wipe());
    const ways = element("div", { className: "chips" },
      button(tell("choosePicture"), () => chosen.click(), "main"),
      button(tell("example"), () => {
        pen(false);
        take(example(model.task, examples));
        examples += 1;
      }),
      drawButton, wipe, chosen);
    const answer = element("div", { className: "answer-room", role: "region", "aria-label": tell("result"), "aria-live": "polite" });
    const save = saving(
      () => ({ name: model.name, result, path: path(), asking: { body: file } }),
      (error) => wrong.error(error),
    );
    const resultCard = element("section", { className: "card", hidden: true }, element("div", { className: "titled" }, element("h2", {}, tell("result")), save), answer);
    const path = () => `${model.address}/${TASKS[model.task].route}`;
    const pick = modelChoice(models, (chosenModel) => {
      model = chosenModel;
      showDrawing();
      if (file) run();
    });
    const host = element("div", { className: "view" },
      element("div", { className: "tools" }, pick.host),
      element("section", { className: "card give" }, drop, ways),
      wrong.host, resultCard);

    function pen(on) {
      drawing.host.hidden = !on;
      if (on) {
        preview.hidden = true;
        hint.textContent = tell("drawHere");
        hint.hidden = false;
      }
      showDrawing();
    }

    function showDrawing() {
      drawButton.setAttribute("aria-pressed", String(!drawing.host.hidden));
      wipe.hidden = drawing.host.hidden;
    }

    /** Takes a file, or what was drawn. */
    async function take(given) {
      file = given instanceof Blob ? given : await fileOf(given);
      if (given instanceof Blob) pen(false);
      const bitmap = await bitmapOf(file);
      if (bitmap && drawing.host.hidden) paint(preview, bitmap);
      preview.hidden = !bitmap || !drawing.host.hidden;
      hint.hidden = !preview.hidden;
      if (!bitmap) hint.textContent = given.name ?? tell("dropHere");
      run();
    }

    async function run() {
      running.abort();
      running = new AbortController();
      const { signal } = running;
      wrong.clear();
      resultCard.classList.add("running");
      try {
        const here = model;
        const attention = here.task === "image-classification" ? "?attention=*" : "";
        const told = await ask(path() + attention, { body: file, signal, onWait: wrong.wait });
        const shown = await TASKS[here.task].show(told, await bitmapOf(file));
        if (signal.aborted) return;
        wrong.clear();
        result = told;
        save.firstChild.hidden = here.task !== "image-classification" || !told.attention?.length;
        answer.replaceChildren(shown);
        resultCard.hidden = false;
      } catch (error) {
        if (signal.aborted) return;
        resultCard.hidden = true;
        wrong.error(error, run);
      }
      resultCard.classList.remove("running");
    }

    chosen.addEventListener("change", () => {
      if (chosen.files[0]) take(chosen.files[0]);
      chosen.value = "";
    });
    for (const name of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
      });
    }
    document.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (pasted && !host.hidden) take(pasted);
    });
    showDrawing();
    return { host };
  },
};
