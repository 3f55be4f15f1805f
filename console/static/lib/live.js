// @ts-check
// The newest values of all records, kept small: of each record the text of one line, a rate,
// and the last numbers.
import { brief } from "./format.js";
import { Trace, numberPaths, pick } from "./spark.js";

const fade = 15_000; // ms after which a value counts 1/e for the rate

/** Row is a record as the table shows it. */
export class Row {
  /** @type {any} */ info; text = ""; whole = false; known = false; time = 0; dirty = true; filled = false;
  /** @type {number | undefined} */ number;
  /** @type {Trace | undefined} */ trace;
  #path = /** @type {string | undefined} */ (undefined); #weight = 0; #weighed = 0; #since = Date.now();

  constructor(/** @type {string} */ key) {
    this.key = key;
    this.lower = key.toLowerCase();
  }

  /** take takes a value; live ones count for the rate. @param {any} value @param {boolean} live @param {number} now @param {number} [missed] */
  take(value, live, now, missed = 0) {
    this.text = brief(value, 160);
    this.whole = this.text.length < 160;
    this.known = true;
    this.dirty = true;
    const n = this.#numberOf(value);
    this.number = n;
    if (n !== undefined) (this.trace ??= new Trace()).add(n);
    if (!live) return;
    this.time = now;
    this.#weight = this.#weight * Math.exp((this.#weighed - now) / fade) + 1 + missed;
    this.#weighed = now;
  }

  /** fill puts stored values before those that came live. @param {{time: number, value: any}[]} rows */
  fill(rows) {
    const before = this.trace;
    this.trace = undefined;
    for (const { value } of rows) {
      const n = this.#numberOf(value);
      if (n !== undefined) (this.trace ??= new Trace()).add(n);
    }
    // The last ones came live too, so only what is newer than the answer is added.
    if (before && before.size > 1) {
      this.trace = before;
    } else this.trace ??= before;
    this.time ||= rows.at(-1)?.time ?? 0;
    this.dirty = true;
  }

  /** rate is in values a second. @param {number} now */
  rate(now) {
    const age = Math.max(1000, now - this.#since);
    const n = this.#weight * Math.exp((this.#weighed - now) / fade) / (fade / 1000 * (1 - Math.exp(-age / fade)));
    return n < 1e-4 ? 0 : n;
  }

  // numberOf finds the number of a value, where it was in the one before if it is still there.
  #numberOf(/** @type {any} */ value) {
    if (typeof value === "number") return value;
    if (typeof value === "boolean") return Number(value);
    if (value === null || typeof value !== "object") return undefined;
    let n = this.#path === undefined ? undefined : pick(value, this.#path);
    if (typeof n === "number") return n;
    this.#path = numberPaths(value)[0];
    n = this.#path === undefined ? undefined : pick(value, this.#path);
    return typeof n === "number" ? n : undefined;
  }
}
