// @ts-check
// The chart of a record: the mean of each span of time, and between which numbers it lay.
import uPlot from "../vendor/uplot.js";
import { number, short, time } from "./format.js";

/**
 * @typedef {{start: number, count: number, min: number, max: number, mean: number, last: number}} Bucket
 * @typedef {{from: number, to: number}} Span
 */

/** Chart draws buckets. A drag calls onZoom with a span, a double click with nothing. */
export class Chart {
  #plot; #watch; #root; #span = /** @type {Span} */ ({ from: 0, to: 1 });

  /** @param {HTMLElement} root @param {{onZoom: (span?: Span) => void}} options */
  constructor(root, { onZoom }) {
    this.#root = root;
    const colour = (/** @type {string} */ name) => () => getComputedStyle(root).getPropertyValue(name);
    const axis = { stroke: colour("color"), grid: { stroke: colour("border-top-color"), width: 1 }, ticks: { stroke: colour("border-top-color"), width: 1 }, font: "12px system-ui, sans-serif" };
    const line = { stroke: colour("outline-color"), width: 1.5, value: (/** @type {any} */ _, /** @type {number | null} */ v) => (v == null ? "–" : number(v)) };
    const edge = { ...line, width: 0, points: { show: false } };
    this.#plot = new uPlot({
      width: root.clientWidth || 300, height: this.#height(),
      scales: { x: { time: true, range: () => [this.#span.from / 1000, this.#span.to / 1000] } },
      axes: [{ ...axis, values: times, space: 70 }, { ...axis, size: (/** @type {any} */ _, /** @type {string[] | null} */ labels) => 20 + 7 * Math.max(3, ...(labels ?? []).map((l) => l.length)), values: (/** @type {any} */ _, /** @type {number[]} */ v) => v.map(short) }],
      series: [
        { label: "Time", value: (/** @type {any} */ _, /** @type {number | null} */ s) => (s == null ? "–" : time(s * 1000)) },
        { ...edge, label: "Max" }, { ...edge, label: "Min" },
        { ...line, label: "Mean", points: { show: (/** @type {any} */ u) => u.data[0].length < 80, size: 4 } },
      ],
      bands: [{ series: [1, 2], fill: colour("background-color") }],
      cursor: { drag: { setScale: false, x: true, y: false }, points: { size: 7 }, bind: { dblclick: () => () => { onZoom(); return null; } } },
      legend: { live: true },
      hooks: {
        setSelect: [(/** @type {any} */ u) => {
          const { left, width } = u.select;
          if (width < 4) return;
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom({ from: Math.round(u.posToVal(left, "x") * 1000), to: Math.round(u.posToVal(left + width, "x") * 1000) });
        }],
      },
    }, [[], [], [], []], root);
    this.#plot.root.setAttribute("role", "group");
    this.#plot.root.querySelector("canvas").setAttribute("aria-hidden", "true"); // what is drawn is said in the text below
    this.#watch = new ResizeObserver(() => this.#plot.setSize({ width: root.clientWidth, height: this.#height() }));
    this.#watch.observe(root);
  }

  #height() { return Math.max(180, Math.min(320, innerHeight * 0.36)); }

  /** show draws the buckets of a span. @param {Bucket[]} buckets @param {Span} span @param {number} width of a bucket in ms */
  show(buckets, span, width) {
    this.#span = span;
    const drawn = buckets.filter((b) => b.count > 0), rows = /** @type {(number | null)[][]} */ ([[], [], [], []]);
    const mid = width > 1 ? width / 2 : 0, usual = median(drawn.slice(1).map((b, i) => b.start - drawn[i].start));
    drawn.forEach((b, i) => {
      // A gap is not a line: where much more time is missing than lies between values.
      if (i && b.start - drawn[i - 1].start > Math.max(8 * usual, 4 * width)) add(rows, (drawn[i - 1].start + b.start) / 2000, null, null, null);
      add(rows, Math.min((b.start + mid) / 1000, span.to / 1000), b.max, b.min, b.mean);
    });
    this.#plot.setData(rows);
  }

  /** colours draws again with those of the present scheme. */
  colours() { this.#plot.redraw(); }

  close() { this.#watch.disconnect(); this.#plot.destroy(); }
}

const add = (/** @type {any[][]} */ rows, /** @type {any[]} */ ...row) => row.forEach((v, i) => rows[i].push(v));
const median = (/** @type {number[]} */ n) => n.sort((a, b) => a - b)[n.length >> 1] ?? 0;

// times are the labels of the axis: the time in 24 hours, with the date where it changes.
function times(/** @type {any} */ _u, /** @type {number[]} */ at, /** @type {number} */ _axis, /** @type {number} */ _space, /** @type {number} */ step) {
  let day = "";
  return at.map((s) => {
    const [date, clock] = time(s * 1000).split(" ");
    const before = day;
    day = date;
    if (step >= 86_400) return date;
    const text = step >= 60 ? clock.slice(0, 5) : step >= 1 ? clock.slice(0, 8) : clock;
    return date === before ? text : `${text}\n${date}`;
  });
}
