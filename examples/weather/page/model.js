// The validations of a city. Nothing here touches the document.

// most is how many validations of a city the page holds.
export const most = 25_000;

// identity is the same for the row in history and the event of one validation.
export const identity = (v) => `${v.valid_at}|${v.issued_at}|${v.source}`;

// order compares by valid time, then by time of issue.
const order = (a, b) => a.valid - b.valid || a.issued - b.issued || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0);

const usable = (v) => v && typeof v === "object"
  && [v.forecast_celsius, v.actual_celsius, v.error_celsius, v.absolute_error, v.lead_hours].every(Number.isFinite)
  && !Number.isNaN(Date.parse(v.valid_at)) && !Number.isNaN(Date.parse(v.issued_at));

const day = 86_400_000;
const baselineSource = "persistence-24h";

// isBaseline reports whether a forecast is the baseline itself.
export const isBaseline = (v) => v.source === baselineSource;

// History holds the validations of one city, each once, in order.
export class History {
  #known = new Set();
  rows = [];
  leads = new Set(); // in hours
  #observed = new Map(); // valid time → °C

  // add takes rows in any order and returns whether one of them was new.
  add(values) {
    let fresh = 0;
    let sorted = true;
    for (const v of values) {
      if (!usable(v) || this.#known.has(identity(v))) continue;
      const row = { ...v, valid: Date.parse(v.valid_at), issued: Date.parse(v.issued_at) };
      if (this.rows.length && order(this.rows.at(-1), row) > 0) sorted = false;
      this.#known.add(identity(v));
      this.leads.add(v.lead_hours);
      this.#observed.set(row.valid, v.actual_celsius);
      this.rows.push(row);
      fresh++;
    }
    if (!sorted) this.rows.sort(order);
    for (const old of this.rows.splice(0, Math.max(0, this.rows.length - most))) {
      this.#known.delete(identity(old));
      this.#observed.delete(old.valid);
    }
    return fresh > 0;
  }

  latest() {
    return this.rows.at(-1);
  }

  // baseline returns the error of 24-hour persistence for the same hour. Its
  // observation exists when a forecast of up to 24 hours ahead is issued. The
  // result is undefined if that observation is unknown.
  baseline(v) {
    const before = this.#observed.get(v.valid - day);
    return before === undefined ? undefined : Math.round((before - v.actual_celsius) * 100) / 100;
  }

  // of returns the validations of one lead time.
  of(lead) {
    return this.rows.filter((v) => v.lead_hours === lead);
  }
}

// cityOf returns the city of a key such as accuracy::vienna.
export const cityOf = (topic) => topic.split("::").at(-1);
