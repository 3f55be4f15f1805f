// The errors of one city over time, as SVG, with one row that can be selected
// by pointer or keyboard.
import { timeTicks } from "./axis.js";
import { within } from "./score.js";

const space = "http://www.w3.org/2000/svg";
const stepKeys = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

const element = (name, attributes, text) => {
  const e = document.createElementNS(space, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

const group = (name, children) => {
  const g = element("g", { class: name });
  g.append(...children);
  return g;
};

export class Plot {
  #box; #svg; #tip; #data; #place; #selected;

  // box has the role of a slider whose values are the rows.
  constructor(box) {
    this.#box = box;
    this.#svg = box.querySelector("svg");
    this.#tip = box.querySelector(".tip");
    box.addEventListener("pointermove", (e) => this.#point(e));
    box.addEventListener("pointerdown", (e) => this.#point(e));
    box.addEventListener("pointerleave", () => document.activeElement !== box && this.#select(undefined));
    box.addEventListener("focus", () => this.#selected ?? this.#select(this.#data?.rows.at(-1)));
    box.addEventListener("blur", () => this.#select(undefined));
    box.addEventListener("keydown", (e) => this.#key(e));
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  // show takes rows in order and their lines, the axes that all plots share, the
  // tolerance, and describe(row), which returns lines of text.
  show(data) {
    this.#data = data;
    this.#selected = this.#selected && data.rows.find((v) => v.valid === this.#selected.valid);
    this.#draw();
  }

  #draw() {
    const { axes } = this.#data ?? {};
    const em = parseFloat(getComputedStyle(this.#svg).fontSize);
    const [width, height] = [this.#box.clientWidth, this.#box.clientHeight];
    if (!axes || !width) return;
    const [left, right] = [2.6 * em, width - 0.6 * em];
    const { from, to } = axes.span;
    const x = (at) => left + ((at - from) / (to - from || 1)) * (right - left);
    const errors = { em, left, right, x, top: 0.6 * em, bottom: height - 8.4 * em };
    const means = { em, left, right, x, top: height - 5.6 * em, bottom: height - 1.9 * em };
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...timeTicks(axes.span, (right - left) / em).flatMap((t) => timeTick(t, x(t.at), means.bottom, width, em)),
      group("errors", this.#errors(errors)),
      group("means", this.#means(means)),
      element("line", { class: "cursor", y1: errors.top, y2: means.bottom }),
      element("circle", { class: "cursor", r: 0.45 * em }),
    );
    this.#mark();
  }

  // errors is the part with a mark for each row.
  #errors({ em, left, right, x, top, bottom }) {
    const { rows, mean, axes, tolerance } = this.#data;
    const limit = axes.errors.at(-1);
    const y = (error) => (top + bottom) / 2 - (error / limit) * ((bottom - top) / 2);
    const place = (v) => [x(v.valid), y(v.error_celsius)];
    const dense = rows.length > 2 * (right - left); // marks would hide each other
    this.#place = place;
    this.#svg.classList.toggle("dense", dense);
    return [
      ...band(left, right, y, Math.min(tolerance, limit)),
      ...axes.errors.flatMap((e) => (e ? [e, -e] : [0])).flatMap((e) => valueTick(signOf(e) + Math.abs(e), !e, left, right, y(e), em)),
      ...edges(left, right, y, Math.min(tolerance, limit)),
      element("path", { class: "inside", d: marks(rows.filter((v) => within(v, tolerance)), place, dot) }),
      element("path", { class: "outside", d: marks(rows.filter((v) => !within(v, tolerance)), place, cross((dense ? 0.12 : 0.2) * em)) }),
      element("path", { class: "mean", d: line(mean, (m) => [x(m.valid), y(m.mean)]) }),
    ];
  }

  // means is the part with the mean absolute error of forecast and baseline.
  #means({ em, left, right, x, top, bottom }) {
    const { mae, baselineMAE, axes } = this.#data;
    const limit = axes.means.at(-1);
    const y = (value) => bottom - (value / limit) * (bottom - top);
    const place = (m) => [x(m.valid), y(m.mean)];
    return [
      element("text", { class: "caption", y: top - 0.9 * em }, "Mean absolute error"),
      ...axes.means.flatMap((e) => valueTick(e, !e, left, right, y(e), em)),
      element("path", { class: "baseline", d: line(baselineMAE, place) }),
      element("path", { class: "forecast", d: line(mae, place) }),
    ];
  }

  // point selects the row whose mark is nearest to the pointer.
  #point(event) {
    if (!this.#place) return;
    const box = this.#svg.getBoundingClientRect();
    const away = (v) => {
      const [x, y] = this.#place(v);
      return Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
    };
    let nearest, least = Infinity;
    for (const v of this.#data.rows) {
      const distance = away(v);
      if (distance < least) [nearest, least] = [v, distance];
    }
    this.#select(nearest);
  }

  #key(event) {
    const rows = this.#data?.rows ?? [];
    if (event.key === "Escape") return this.#select(undefined);
    if (!rows.length || !(event.key in stepKeys) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // of scrolling
    const at = this.#selected ? rows.indexOf(this.#selected) + stepKeys[event.key] : rows.length - 1;
    this.#select(rows[Math.max(0, Math.min(rows.length - 1, at))]);
  }

  #select(row) {
    this.#selected = row;
    this.#mark();
  }

  // mark shows the selected row in the plot, as text, and to screen readers.
  #mark() {
    const { rows, describe } = this.#data ?? { rows: [] };
    const row = this.#selected ?? rows.at(-1);
    this.#svg.classList.toggle("selected", Boolean(this.#selected));
    this.#tip.hidden = !this.#selected;
    this.#box.setAttribute("aria-valuemin", Math.min(1, rows.length));
    this.#box.setAttribute("aria-valuemax", rows.length);
    this.#box.setAttribute("aria-valuenow", rows.indexOf(row) + 1);
    this.#box.setAttribute("aria-valuetext", row ? describe(row).join(". ") : "No validation to show");
    if (!this.#selected || !this.#place) return;
    const [x, y] = this.#place(row);
    const [line, circle] = this.#svg.querySelectorAll(".cursor");
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    circle.setAttribute("cx", x);
    circle.setAttribute("cy", y);
    this.#tip.classList.toggle("right", x < this.#box.clientWidth / 2);
    this.#tip.replaceChildren(...describe(row).map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  }
}

const point = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const dot = (at) => `M${point(at)}h0`; // round caps make it one
const cross = (arm) => ([x, y]) => `M${point([x - arm, y - arm])}L${point([x + arm, y + arm])}M${point([x - arm, y + arm])}L${point([x + arm, y - arm])}`;
const marks = (rows, place, mark) => rows.map((v) => mark(place(v))).join("");
const line = (means, place) => means.map((m, i) => (i ? "L" : "M") + point(place(m))).join("");

const signOf = (v) => (v > 0 ? "+" : v < 0 ? "−" : "");

// band is the tolerance. Its edges lie over the grid.
const band = (left, right, y, tolerance) => Number.isFinite(tolerance)
  ? [element("rect", { class: "band", x: left, width: right - left, y: y(tolerance), height: y(-tolerance) - y(tolerance) })] : [];
const edges = (left, right, y, tolerance) => Number.isFinite(tolerance)
  ? [tolerance, -tolerance].map((e) => element("line", { class: "edge", x1: left, x2: right, y1: y(e), y2: y(e) })) : [];

const valueTick = (text, zero, left, right, y, em) => [
  element("line", { class: zero ? "zero" : "grid", x1: left, x2: right, y1: y, y2: y }),
  element("text", { class: "value", x: left - 0.5 * em, y: y + 0.35 * em }, text),
];

// timeTick has no label where it would not fit.
function timeTick({ text }, x, bottom, width, em) {
  const tick = element("line", { class: "tick", x1: x, x2: x, y1: bottom, y2: bottom + 0.4 * em });
  return x + 0.3 * em * text.length > width ? [tick] : [tick, element("text", { class: "time", x, y: bottom + 1.5 * em }, text)];
}
