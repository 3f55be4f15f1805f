// The validations of all cities, read from history as far back as is shown.
import { History, cityOf, most } from "./model.js";

const recent = 500; // validations of a city that are read at first

export class Store {
  cities = new Map(); // city → History
  #ask; #asked = new Map(); #from = Infinity; #reading = false;

  // ask(name, limit) resolves to the newest rows of each record.
  constructor(ask) {
    this.#ask = ask;
  }

  of(city) {
    if (!this.cities.has(city)) this.cities.set(city, new History());
    return this.cities.get(city);
  }

  // refresh replaces all rows by the newest ones of all cities, and returns them.
  async refresh() {
    const rows = await this.#ask("accuracy::*", recent);
    this.cities.clear();
    this.#asked.clear();
    for (const [city, of] of Map.groupBy(rows, ({ record }) => cityOf(record))) {
      this.of(city).add(of.map(({ value }) => value));
      this.#asked.set(city, of.length < recent ? most : recent);
    }
    return rows;
  }

  // reach reads older rows until those of each city go back to a time, its
  // history ends or the page holds most. step is called after each answer.
  async reach(from, step) {
    this.#from = from;
    if (this.#reading) return; // the running call reads up to the new time
    this.#reading = true;
    try {
      for (let city = this.#short(); city; city = this.#short()) {
        await this.#deepen(city);
        step();
      }
    } finally {
      this.#reading = false;
    }
  }

  // short reports whether older rows have to be read.
  get short() {
    return this.#short() !== undefined;
  }

  // full reports whether a city has no room for the older rows of the range.
  get full() {
    return [...this.cities.values()].some(({ rows }) => rows.length >= most && rows[0].valid > this.#from);
  }

  // #short returns a city whose rows do not go back far enough.
  #short() {
    return [...this.cities.keys()].find((city) => this.#asked.get(city) < most && this.of(city).rows[0]?.valid > this.#from);
  }

  async #deepen(city) {
    const limit = Math.min(most, 4 * this.#asked.get(city));
    const rows = await this.#ask(`accuracy::${city}`, limit);
    this.of(city).add(rows.map(({ value }) => value));
    this.#asked.set(city, rows.length < limit ? most : limit);
  }
}
