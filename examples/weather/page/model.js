// What the page knows, without a word about how it is shown or where it came
// from. Nothing here touches the document.

// keep is how many validations of a city are held: as many as its ring keeps.
export const keep = 500;

// identity tells validations apart: a row of history and the event of the same
// validation have the same one.
export const identity = (v) => `${v.valid_at}|${v.issued_at}|${v.source}`;

// order is that of the data's own time, and of the time of issue within it.
const order = (a, b) => a.valid - b.valid || a.issued - b.issued || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0);

const usable = (v) => v && typeof v === "object" && [v.forecast_celsius, v.actual_celsius, v.error_celsius, v.absolute_error].every(Number.isFinite)
  && !Number.isNaN(Date.parse(v.valid_at)) && !Number.isNaN(Date.parse(v.issued_at));

// within says whether a validation is within a tolerance. The row's own
// within_tolerance does not: it used the tolerance at the time of the write.
export const within = (v, tolerance) => v.absolute_error <= tolerance;

// History is the validations of one city, each once, in order.
export class History {
  #known = new Set();
  rows = [];

  // add returns whether something new came. It takes rows in any order.
  add(values) {
    let fresh = 0;
    let sorted = true;
    for (const v of values) {
      if (!usable(v) || this.#known.has(identity(v))) continue;
      const row = { ...v, valid: Date.parse(v.valid_at), issued: Date.parse(v.issued_at) };
      if (this.rows.length && order(this.rows.at(-1), row) > 0) sorted = false;
      this.#known.add(identity(v));
      this.rows.push(row);
      fresh++;
    }
    if (!sorted) this.rows.sort(order);
    for (const old of this.rows.splice(0, Math.max(0, this.rows.length - keep))) this.#known.delete(identity(old));
    return fresh > 0;
  }

  latest() {
    return this.rows.at(-1);
  }

  // scores are those over the loaded rows; undefined if there are none.
  scores(tolerance) {
    const n = this.rows.length;
    if (!n) return undefined;
    return {
      count: n,
      mae: this.rows.reduce((sum, v) => sum + v.absolute_error, 0) / n,
      share: this.rows.filter((v) => within(v, tolerance)).length / n,
    };
  }

  // means are the mean errors of so many equal parts of the time, in order;
  // parts without a validation are left out.
  means(parts) {
    if (!this.rows.length) return [];
    const first = this.rows[0].valid;
    const part = (this.rows.at(-1).valid - first) / parts || 1;
    const out = new Map();
    for (const v of this.rows) {
      const i = Math.min(parts - 1, Math.floor((v.valid - first) / part));
      const bin = out.get(i) ?? { valid: first + (i + 0.5) * part, sum: 0, n: 0 };
      bin.sum += v.error_celsius;
      bin.n++;
      out.set(i, bin);
    }
    return [...out.values()].map(({ valid, sum, n }) => ({ valid, mean: sum / n }));
  }
}

// cityOf takes the city out of a key such as accuracy::vienna.
export const cityOf = (topic) => topic.split("::").at(-1);

// backoff is the pause before the nth attempt to connect again, in ms: 250
// doubling to 8 s, less a random part so that visitors do not come all at once.
export const backoff = (attempt, random = Math.random) => Math.min(8000, 250 * 2 ** Math.min(attempt, 10)) * (1 - random() / 3);
