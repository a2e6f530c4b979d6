// A small part of Markdown, as elements: what is not understood stays text, so nothing in a card can run.

import { element } from "./shared/dom.js";

/** @param {string} text @returns {HTMLElement} */
export function markdown(text) {
  const host = element("div", { className: "prose", lang: "en" });
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  for (let at = 0; at < lines.length; ) {
    const take = (like) => {
      const from = at;
      while (at < lines.length && like.test(lines[at])) at += 1;
      return lines.slice(from, at);
    };
    const heading = lines[at].match(/^(#{1,4})\s+(.*)/);
    if (lines[at].startsWith("```")) {
      at += 1;
      const code = take(/^(?!```)/);
      at += 1;
      host.append(element("pre", { tabIndex: 0 }, element("code", {}, code.join("\n"))));
    } else if (heading) {
      at += 1;
      host.append(element(`h${Math.min(heading[1].length + 2, 6)}`, {}, ...inline(heading[2])));
    } else if (/^\s*\|/.test(lines[at])) host.append(table(take(/^\s*\|/)));
    else if (/^\s*[-*]\s+/.test(lines[at])) {
      host.append(element("ul", {}, ...take(/^\s*[-*]\s+/).map((line) => element("li", {}, ...inline(line.replace(/^\s*[-*]\s+/, ""))))));
    } else if (!lines[at].trim()) at += 1;
    else {
      const [first] = [lines[at]];
      at += 1;
      host.append(element("p", {}, ...inline([first, ...take(/^(?!\s*$|#|```|\s*\||\s*[-*]\s)/)].join(" "))));
    }
  }
  return host;
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const [head, ...rows] = lines.filter((line) => !/^\s*\|[\s:|-]+\|?\s*$/.test(line)).map(cells);
  return element("div", { className: "wide" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, ...inline(cell))))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, ...inline(cell))))))));
}

const PIECES = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s)>\]]+)/g;

function inline(text) {
  const found = [];
  let from = 0;
  for (const piece of text.matchAll(PIECES)) {
    const [whole, code, strong, label, address, bare] = piece;
    found.push(text.slice(from, piece.index));
    if (code) found.push(element("code", {}, code));
    else if (strong) found.push(element("strong", {}, strong));
    else found.push(element("a", { href: address ?? bare, rel: "noreferrer noopener", target: "_blank" }, label ?? bare));
    from = piece.index + whole.length;
  }
  return [...found, text.slice(from)].filter((one) => one !== "");
}
