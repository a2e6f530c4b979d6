// The page: what is served, and which view is open.

import { ask } from "./api.js";
import { element } from "./shared/dom.js";
import { language } from "./shared/strings.js";
import { themeSwitch } from "./shared/theme.js";
import { imagesView } from "./images.js";
import { modelsView } from "./models.js";
import { notice } from "./notice.js";
import { translateView } from "./translate.js";
import { tell } from "./words.js";

const VIEWS = [translateView, imagesView, modelsView];

/** The part of the address after `#/`: a view, and what it shows. */
function wanted() {
  try {
    return decodeURIComponent(location.hash.replace(/^#\/?/, "")).split("/");
  } catch {
    return []; // an address that was cut off somewhere
  }
}

async function start() {
  document.documentElement.lang = language;
  const built = new Map();
  const main = element("main", { id: "main", tabIndex: -1 });
  const nav = element("nav", { "aria-label": tell("views") });
  const redraw = () => built.forEach((one) => one.redraw?.());
  document.getElementById("app").append(
    element("a", { className: "skip", href: "#main" }, tell("skip")),
    element("header", {},
      element("h1", {}, element("a", { href: "#/" }, "Regard")), nav,
      element("div", { className: "page-tools" }, themeSwitch(redraw))),
    main,
    element("footer", { className: "about" }, element("p", {}, tell("about")), element("a", { href: "/openapi.json" }, tell("api"))),
  );
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });

  const wrong = notice();
  main.append(wrong.host);
  let given;
  try {
    const [models, limits] = await Promise.all([ask("/api/models"), ask("/api/limits")]);
    given = { models, limits };
  } catch (error) {
    wrong.error(error, () => location.reload());
    return;
  }
  const views = VIEWS.filter((view) => view.offered(given.models).length);
  const links = new Map(views.map((view) => [view.name, element("a", { href: `#/${view.name}` }, tell(`view_${view.name}`))]));
  nav.append(...links.values());

  function open() {
    const [name, ...rest] = wanted();
    const view = views.find((one) => one.name === name) ?? views[0];
    if (!built.has(view.name)) {
      built.set(view.name, view.build({ ...given, models: view.offered(given.models) }));
      main.append(built.get(view.name).host);
    }
    built.forEach((one, other) => {
      one.host.hidden = other !== view.name;
    });
    links.forEach((link, other) => {
      if (other === view.name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    document.title = `${tell(`view_${view.name}`)} · Regard`;
    built.get(view.name).open?.(rest);
    built.get(view.name).redraw?.();
  }
  addEventListener("hashchange", open);
  open();
}

start();
