// @ts-check
// A line of the last numbers of a record, and where in a value its number is.

const most = 40;

/** Trace keeps the last numbers. */
export class Trace {
  #numbers = new Float64Array(most); #at = 0; size = 0; changes = 0;

  /** @param {number} n */
  add(n) {
    this.#numbers[this.#at] = n;
    this.#at = (this.#at + 1) % most;
    this.size = Math.min(this.size + 1, most);
    this.changes++;
  }

  /** at returns the ith number, 0 the oldest. @param {number} i */
  at(i) { return this.#numbers[(this.#at - this.size + i + most) % most]; }
}

/** sizeOf measures a canvas, which costs a layout: do it once for all of the same size. @param {HTMLCanvasElement} canvas */
export const sizeOf = (canvas) => ({ width: Math.round(canvas.clientWidth * devicePixelRatio), height: Math.round(canvas.clientHeight * devicePixelRatio) });

const drawn = new WeakMap(); // what each canvas has

/**
 * draw draws a trace, unless the canvas has it already.
 * @param {HTMLCanvasElement} canvas @param {Trace | undefined} trace @param {string} colour @param {{width: number, height: number}} size
 */
export function draw(canvas, trace, colour, { width, height }) {
  const had = drawn.get(canvas), changes = trace?.changes;
  if (had && had.trace === trace && had.changes === changes && had.colour === colour && had.width === width && had.height === height) return;
  drawn.set(canvas, { trace, changes, colour, width, height });
  const scale = devicePixelRatio;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.clearRect(0, 0, width, height);
  if (!trace || trace.size < 2) return;
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < trace.size; i++) [low, high] = [Math.min(low, trace.at(i)), Math.max(high, trace.at(i))];
  const pad = 2 * scale, span = high - low;
  pen.beginPath();
  for (let i = 0; i < trace.size; i++) {
    const x = width - pad - ((trace.size - 1 - i) * (width - 2 * pad)) / (most - 1);
    const y = span > 0 ? height - pad - ((trace.at(i) - low) / span) * (height - 2 * pad) : height / 2;
    if (i) pen.lineTo(x, y);
    else pen.moveTo(x, y);
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * scale;
  pen.lineJoin = "round";
  pen.stroke();
}

/** accent returns the accent colour of the present scheme. */
export const accent = () => {
  const probe = document.createElement("span");
  probe.style.color = "var(--accent)";
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

const isTime = /(^|_|\.)(time|ts|timestamp|date|at|id|seq|ms|unix)$/i;

/**
 * numberPaths returns where the numbers in a value are, at most 50, as buckets take it: "" if
 * it is one, a.b, list[0].t. Those that look like times or ids come last. Names that such a
 * path cannot hold are left out.
 * @param {any} value @returns {string[]}
 */
export function numberPaths(value) {
  const found = /** @type {string[]} */ ([]);
  const walk = (/** @type {any} */ v, /** @type {string} */ at, /** @type {number} */ depth) => {
    if (typeof v === "number") found.push(at);
    else if (v && typeof v === "object" && depth < 4) {
      let n = 0;
      for (const name in v) {
        if (found.length >= 50 || n++ > 200) return;
        if (Array.isArray(v)) walk(v[name], `${at}[${name}]`, depth + 1);
        else if (/^[^.[\]$"'\s]+$/.test(name)) walk(v[name], at ? `${at}.${name}` : name, depth + 1);
      }
    }
  };
  walk(value, "", 0);
  return [...found.filter((p) => !isTime.test(p)), ...found.filter((p) => isTime.test(p))];
}

/** pick returns what is at a path. @param {any} value @param {string} path */
export function pick(value, path) {
  for (const part of path.match(/[^.[\]]+/g) ?? []) {
    if (value == null || typeof value !== "object") return undefined;
    value = value[part];
  }
  return value;
}
