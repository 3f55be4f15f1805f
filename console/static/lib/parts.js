// @ts-check
// Parts of pages: tables, facts, bars and lines.
import { h } from "./dom.js";
import { age, rate } from "./format.js";

/** @typedef {Node | string | number | null | undefined | false} Child */

/** s returns an element of SVG. Text is set as text. @param {string} tag @param {{[name: string]: any}} [attributes] @param {Child[]} children @returns {any} */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter(Boolean).map((c) => (c instanceof Node ? c : String(c))));
  return element;
}

/** ago says how long before now a time is. @param {number} time @param {number} [now] */
export const ago = (time, now) => { const text = age(time, now); return /^(–|now|in )/.test(text) ? text : `${text} ago`; };

/** each second. @param {number | undefined} n */
export const perSecond = (n) => (n === 0 ? "0/s" : rate(n ?? NaN));

/** share of a whole in percent. @param {number} part @param {number} all */
export const share = (part, all) => (all > 0 ? `${part === 0 ? "0" : part > 0 && part / all < 0.001 ? "<0.1" : ((part / all) * 100).toFixed(part / all < 0.1 ? 1 : 0)} %` : "–");

/** fill replaces the children of an element. @param {Element} element @param {Child[]} children */
export const fill = (element, ...children) => element.replaceChildren(...children.filter((c) => c != null && c !== false).map((c) => (c instanceof Node ? c : String(c))));

/**
 * listing returns a table in a region that scrolls sideways. A column is its title and a
 * class: "n" for numbers. A row is an array of cells, the first of which names it.
 * @param {string} caption @param {[string, string?][]} columns @param {Child[][]} rows @param {string} [empty] what to say without rows
 */
export function listing(caption, columns, rows, empty = "None.") {
  if (rows.length === 0) return h("p", { class: "state" }, empty);
  const cell = (/** @type {Child} */ child, /** @type {number} */ i) => h(i === 0 ? "th" : "td", { scope: i === 0 && "row", class: columns[i][1] }, child || child === 0 ? child : "");
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { class: "listing" }, h("caption", { class: "sr" }, caption),
      h("thead", {}, h("tr", {}, ...columns.map(([title, kind]) => h(title ? "th" : "td", { scope: title && "col", class: kind }, title)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell))))));
}

/** section returns a panel with a heading. @param {string} title @param {Child[]} children */
export const section = (title, ...children) => { const panel = h("section", { class: "panel" }, h("h2", {}, title)); panel.append(...children.filter(Boolean)); return panel; };

/** fact returns a number with its name. @param {string} name @param {Child} value @param {Child} [more] @param {string} [mood] "bad" or "" */
export const fact = (name, value, more, mood = "") => h("div", { class: `fact ${mood}` }, h("dt", {}, name), h("dd", {}, h("b", {}, value), more && h("small", {}, more)));

/** meter returns a bar for a part of a whole. @param {string} label @param {number} part @param {number} whole @param {string} [mood] */
export function meter(label, part, whole, mood = "") {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  const bar = h("span", { class: `meter ${mood}`, role: "img", "aria-label": label }, h("span"));
  bar.firstChild.style.width = `${(share * 100).toFixed(1)}%`;
  return bar;
}

/** line draws numbers as a line without axes. @param {string} label @param {(number | undefined)[]} values */
export function line(label, values, width = 160, height = 32) {
  const known = values.filter((v) => v != null && Number.isFinite(v));
  const top = Math.max(...known.map(Number), 1e-9);
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((v, i) => (v == null ? "" : `${(i * step).toFixed(1)},${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`)).filter(Boolean).join(" ");
  return s("svg", { class: "line", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    s("polyline", { points, fill: "none" }));
}
