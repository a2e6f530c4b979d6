// Models: card, figures, learning curves, positions, neighbours of words.

import { ask } from "./api.js";
import { chart } from "./chart.js";
import { markdown } from "./markdown.js";
import { near } from "./near.js";
import { notice } from "./notice.js";
import { positionPicture } from "./position-picture.js";
import { element } from "./shared/dom.js";
import { number, tell } from "./words.js";

/** Figures of the test, or else of validation, that are single numbers. */
function headline(figures) {
  const found = figures.test ?? figures.validation ?? {};
  return Object.entries(found).filter(([name, value]) => typeof value === "number" && !["seconds", "tokens_per_second", "updates"].includes(name)).slice(0, 6);
}

export const modelsView = {
  name: "models",
  offered: (models) => models,

  /** @param {{models: Object[]}} given */
  build({ models }) {
    let charts = [];
    let shown = null;
    const links = new Map(models.map((model) => [
      model.name,
      element("a", { href: `#/models/${encodeURIComponent(model.name)}`, className: "card pick" }, element("b", {}, model.name),
        element("span", { className: "quiet" }, tell(`task_${model.task}`)),
        element("span", { className: "quiet" }, tell("parameters", { count: number(model.parameters) }))),
    ]));
    const wrong = notice();
    const detail = element("div", { className: "detail" });
    const host = element("div", { className: "view" }, element("nav", { className: "picks", "aria-label": tell("view_models") }, ...links.values()), wrong.host, detail);

    const section = (title, ...parts) => element("section", { className: "card" }, element("h2", {}, title), ...parts);

    async function show(model) {
      shown = model.name;
      wrong.clear();
      links.forEach((link, name) => {
        if (name === model.name) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
      try {
        const full = await ask(model.address);
        const [curves, positions] = await Promise.all(["curves", "positions"].map((name) => (full.shows.includes(name) ? ask(`${model.address}/${name}`) : null)));
        if (shown !== model.name) return;
        const figures = headline(full.figures);
        charts = Object.entries(Object.groupBy(curves ?? [], (line) => line.name)).map(([name, lines]) => chart(name, lines));
        detail.replaceChildren(...[
          figures.length ? section(tell("figures"), element("dl", { className: "figures" }, ...figures.map(([name, value]) => element("div", {}, element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, number(value, 4)))))) : null,
          charts.length ? section(tell("curves"), element("div", { className: "charts" }, ...charts.map((one) => one.host))) : null,
          full.shows.includes("neighbours") ? section(tell("near"), near(full)) : null,
          positions ? section(tell("positions"), positionPicture(positions)) : null,
          section(tell("card"), markdown(full.card)),
        ].filter(Boolean));
      } catch (error) {
        detail.replaceChildren();
        wrong.error(error, () => show(model));
      }
    }

    return {
      host,
      open([name]) {
        const model = models.find((one) => one.name === name) ?? models[0];
        if (model.name !== shown) show(model);
      },
      redraw: () => charts.forEach((one) => one.redraw()),
    };
  },
};
