// Which place, layer and head are looked at.

import { choice } from "./choice.js";
import { inputs, places } from "./data.js";
import { element } from "./dom.js";
import { change, place, state } from "./state.js";
import { say } from "./strings.js";

/** Groups of places of this input that are layers of one stack, in order. */
export function groupsHere() {
  return [...new Set(places.filter((one) => one.of === place().of).map((one) => one.group))];
}

/** The places of a group, of this input. */
export function layersOf(group) {
  return places.filter((one) => one.of === place().of && one.group === group);
}

/** What a group is called: its name without the layer. */
export function groupName(group) {
  return group.replace(/\.?\*\.?/, " ").trim() || group;
}

/** Mean, largest and every head of a place. */
export function headsOf(one) {
  const single = Array.from({ length: one.heads }, (_, head) => head);
  if (one.heads === 1) return single;
  return one.summary ? ["mean", ...single] : ["mean", "max", ...single];
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

/** The place of another input that is most like this one. */
function likeThisOf(input) {
  const offered = places.filter((one) => one.of === input);
  return (
    offered.find((one) => one.name === place().name) ??
    offered.find((one) => one.group === place().group) ??
    offered[0]
  );
}

/** @returns {{host: HTMLElement, show: () => void}} */
export function controls() {
  const input = choice(say("input"), (chosen) => change({ place: places.indexOf(likeThisOf(chosen)) }));
  input.host.classList.add("inputs");
  const group = choice(say("place"), (chosen) => {
    // The same layer there, where there is one.
    const offered = layersOf(chosen);
    const same = offered.find((one) => one.layer === place().layer) ?? offered[0];
    change({ place: places.indexOf(same) });
  });
  const layer = choice(say("layer"), (chosen) => change({ place: chosen }));
  const head = choice(say("head"), (chosen) => change({ head: chosen }));
  return {
    host: element("div", { className: "controls" }, input.host, group.host, layer.host, head.host),
    show() {
      input.show(
        inputs.map((one) => ({ value: one, label: one, name: one })),
        place().of,
      );
      const layers = layersOf(place().group);
      group.show(
        groupsHere().map((one) => ({ value: one, label: groupName(one), name: groupName(one) })),
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
