// Elements, made without ever reading text as markup: a token may say anything.

/**
 * @param {string} tag
 * @param {Object<string, *>} [properties] names with a dash, `role` and `for` are attributes, the others properties
 * @param {...(Node|string|null)} children text becomes text nodes; null is left out
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/gu;

/** The direction of a text by most of its letters: special tokens, which may come first, are written in Latin. */
export function directionOf(labels) {
  const text = labels.join("");
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return 2 * (text.match(RIGHT_TO_LEFT)?.length ?? 0) > letters ? "rtl" : "ltr";
}

let made = 0;

/** An id that nothing else in the page has. */
export function freshId() {
  made += 1;
  return `regard-${made}`;
}

/**
 * A piece of text from a model's input. Its direction is its own, and it is cut where it would not fit.
 * @param {string} text
 */
export function token(text) {
  return element("span", { className: "token", dir: "auto", title: text }, text);
}
