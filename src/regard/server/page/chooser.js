// Place, layer and head of the maps of one result.

import { choice } from "./shared/choice.js";
import { element } from "./shared/dom.js";
import { say } from "./shared/strings.js";
import { groupName, groupOf, headsOf, layerOf } from "./places.js";

/**
 * @param {(chosen: {seen: import("./places.js").Seen, head: "mean"|"max"|number}) => void} onChoose
 * @param {(groups: string[]) => string} first which group is shown at first
 */
export function chooser(onChoose, first = (groups) => groups[0]) {
  let maps = [];
  let [group, layer, head] = [null, null, "mean"];
  const change = (changes) => {
    ({ group, layer, head } = { group, layer, head, ...changes });
    show();
  };
  const groups = choice(say("place"), (chosen) => change({ group: chosen }));
  const layers = choice(say("layer"), (chosen) => change({ layer: chosen }));
  const heads = choice(say("head"), (chosen) => change({ head: chosen }));

  function show() {
    if (!maps.length) return;
    const offered = [...new Set(maps.map((one) => groupOf(one.name)))];
    if (!offered.includes(group)) group = first(offered);
    const stack = maps.filter((one) => groupOf(one.name) === group);
    const seen = stack.find((one) => layerOf(one.name) === layer) ?? stack.at(-1);
    layer = layerOf(seen.name);
    const able = headsOf(seen);
    if (!able.includes(head)) head = able[0];
    groups.show(offered.map((one) => ({ value: one, label: groupName(one), name: groupName(one) })), group);
    layers.show(
      stack.map((one) => ({ value: layerOf(one.name), label: layerOf(one.name) ?? one.name, name: one.name })),
      layer,
    );
    heads.show(
      able.map((one) => ({
        value: one,
        label: typeof one === "number" ? String(one) : say(one),
        name: typeof one === "number" ? say("headNumber", { head: one }) : say(one),
      })),
      head,
    );
    onChoose({ seen, head });
  }

  return {
    host: element("div", { className: "controls" }, groups.host, layers.host, heads.host),
    /** @param {import("./places.js").Seen[]} given */
    show(given) {
      maps = given;
      show();
    },
  };
}
