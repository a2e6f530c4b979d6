// Which place, layer and head are looked at.

import { choice } from "./choice.js";
import { places } from "./data.js";
import { element } from "./dom.js";
import { change, place, state } from "./state.js";
import { say } from "./strings.js";

/** Groups of places that are layers of one stack, in order. */
export const groups = [...new Set(places.map((one) => one.group))];

/** The places of a group. */
export function layersOf(group) {
  return places.filter((one) => one.group === group);
}

/** What a group is called: its name without the layer. */
export function groupName(group) {
  return group.replace(/\.?\*\.?/, " ").trim() || group;
}

/** Mean, largest and every head of a place. */
export function headsOf(one) {
  const single = Array.from({ length: one.heads }, (_, head) => head);
  return one.heads === 1 ? single : ["mean", "max", ...single];
}

/** A head as a person calls it. */
export function headName(head) {
  return typeof head === "number" ? say("headNumber", { head }) : say(head);
}

/** Goes to the head, or to the layer, so many further on; stops at the ends. */
export function moveHead(by) {
  const offered = headsOf(place());
  const at = offered.indexOf(state().head);
  change({ head: offered[Math.min(Math.max(at + by, 0), offered.length - 1)] });
}

/** See `moveHead`. */
export function moveLayer(by) {
  const offered = layersOf(place().group);
  const at = offered.indexOf(place());
  change({ place: places.indexOf(offered[Math.min(Math.max(at + by, 0), offered.length - 1)]) });
}

/** @returns {{host: HTMLElement, show: () => void}} */
export function controls() {
  const group = choice(say("place"), (chosen) => {
    // The same layer there, where there is one.
    const offered = layersOf(chosen);
    const same = offered.find((one) => one.layer === place().layer) ?? offered[0];
    change({ place: places.indexOf(same) });
  });
  const layer = choice(say("layer"), (chosen) => change({ place: chosen }));
  const head = choice(say("head"), (chosen) => change({ head: chosen }));
  return {
    host: element("div", { className: "controls" }, group.host, layer.host, head.host),
    show() {
      const layers = layersOf(place().group);
      group.show(
        groups.map((one) => ({ value: one, label: groupName(one), name: groupName(one) })),
        place().group,
      );
      layer.show(
        layers.map((one) => ({
          value: places.indexOf(one),
          label: String(one.layer ?? one.name),
          name: one.name,
        })),
        state().place,
      );
      head.show(
        headsOf(place()).map((one) => ({
          value: one,
          label: typeof one === "number" ? String(one) : say(one),
          name: headName(one),
        })),
        state().head,
      );
    },
  };
}
