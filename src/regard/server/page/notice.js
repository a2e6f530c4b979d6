// What went wrong, in plain words, and what to do.

import { element } from "./shared/dom.js";
import { known, tell } from "./words.js";

/**
 * A place for one message, which screen readers read out.
 * @returns {{host: HTMLElement, error: (error: Error, again: ?() => void) => void, wait: (seconds: number) => void,
 *   clear: () => void}}
 */
export function notice() {
  const host = element("div", { className: "notice", role: "alert", hidden: true });
  const show = (className, ...parts) => {
    host.className = `notice ${className}`;
    host.replaceChildren(...parts);
    host.hidden = false;
  };
  return {
    host,
    error(error, again = null) {
      const name = `error_${error.code}`;
      const said = known(name) ? tell(name) : tell("error_failed");
      // What the server said itself names numbers and fields, which the general words cannot.
      const detail = error.status >= 400 && error.message ? element("p", { className: "quiet", lang: "en" }, error.message) : null;
      const button = element("button", { type: "button" }, tell("again"));
      button.addEventListener("click", () => {
        host.hidden = true;
        again();
      });
      show("wrong", element("div", {}, element("p", {}, said), ...(detail ? [detail] : [])), ...(again ? [button] : []));
    },
    wait(seconds) {
      show("busy", element("p", {}, tell("busy", { seconds })));
    },
    clear() {
      host.hidden = true;
    },
  };
}
