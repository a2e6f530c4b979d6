// Results as files.

import { askFile } from "./api.js";
import { element } from "./shared/dom.js";
import { tell } from "./words.js";

/** Gives the reader a file. */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Buttons that save a result as the one-file page of all maps, and as JSON.
 * @param {() => {name: string, result: *, path: string, asking: import("./api.js").Asking}} current the result, and
 *   what is asked for its page
 * @param {(error: Error) => void} onError
 */
export function saving(current, onError) {
  const page = element("button", { type: "button", title: tell("savePageHint") }, tell("savePage"));
  const json = element("button", { type: "button" }, tell("saveJson"));
  page.addEventListener("click", async () => {
    const { name, path, asking } = current();
    page.disabled = true;
    try {
      download(await askFile(`${path}/page`, asking), `${name}.html`);
    } catch (error) {
      onError(error);
    }
    page.disabled = false;
  });
  json.addEventListener("click", () => {
    const { name, result } = current();
    download(new Blob([JSON.stringify(result, null, 1)], { type: "application/json" }), `${name}.json`);
  });
  return element("div", { className: "saving", role: "group", "aria-label": tell("save") }, page, json);
}
