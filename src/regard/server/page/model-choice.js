// Which of several models answers.

import { choice } from "./shared/choice.js";
import { tell } from "./words.js";

/**
 * @param {{name: string, title: string}[]} models
 * @param {(model: Object) => void} onChoose
 */
export function modelChoice(models, onChoose) {
  const byName = Object.fromEntries(models.map((model) => [model.name, model]));
  const chooser = choice(tell("model"), (name) => {
    show(name);
    onChoose(byName[name]);
  });
  const show = (name) =>
    chooser.show(
      models.map((model) => ({ value: model.name, label: model.name, name: `${model.name} · ${tell(`task_${model.task}`)}` })),
      name,
    );
  show(models[0].name);
  return chooser;
}
