// The validations of all cities, read from history as far back as is shown.
import { History, cityOf, most } from "./model.js";

const recent = 500; // validations of a city that are read at first

export class Store {
  cities = new Map(); // city → History
  #ask; #asked = new Map(); #arrived = 0; #from = Infinity; #reading = false;

  // ask(name, limit) resolves to the records of record.query.
  constructor(ask) {
    this.#ask = ask;
  }

  of(city) {
    if (!this.cities.has(city)) this.cities.set(city, new History());
    return this.cities.get(city);
  }

  // arrive takes a live validation and returns whether it is new.
  arrive(city, validation) {
    this.#arrived++;
    return this.of(city).add([validation]);
  }

  // miss counts lost events, so that the next refresh reads as many more rows.
  miss(n) {
    this.#arrived += n;
  }

  // restart drops all rows. After a pause there can be a hole between these rows
  // and those that are read next.
  restart() {
    this.cities.clear();
    this.#asked.clear();
    this.#arrived = 0;
  }

  // refresh reads the newest rows of all cities, at least those since the last
  // refresh, and returns them.
  async refresh() {
    const limit = Math.min(most, recent + this.#arrived);
    this.#arrived = 0;
    const records = await this.#ask("accuracy::*", limit);
    for (const [city, of] of Map.groupBy(records, ({ topic }) => cityOf(topic))) {
      this.of(city).add(of.map(({ payload }) => payload));
      if (!this.#asked.has(city)) this.#asked.set(city, of.length < limit ? most : limit);
    }
    return records;
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
    const records = await this.#ask(`accuracy::${city}`, limit);
    this.of(city).add(records.map(({ payload }) => payload));
    this.#asked.set(city, records.length < limit ? most : limit);
  }
}
