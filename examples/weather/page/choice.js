// The choice of lead time and range. It is kept in the address of the page.
const ranges = new Map([["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["365", "1 year"], ["all", "all"]]);

export class Choice {
  #lead; #range; #chosen = new URLSearchParams(location.hash.slice(1));

  // changed is called after each choice of the visitor.
  constructor(lead, range, changed) {
    this.#lead = lead;
    this.#range = range;
    range.replaceChildren(...[...ranges].map(([value, text]) => new Option(text, value)));
    for (const select of [lead, range]) {
      select.addEventListener("change", () => {
        this.#chosen.set(select.id, select.value);
        history.replaceState(null, "", `#${this.#chosen}`);
        changed();
      });
    }
  }

  // offer sets the lead times that can be chosen, in hours. The default is 24
  // hours or else the longest lead, and 30 days or else all of daily data.
  offer(leads, daily) {
    const sorted = [...leads].sort((a, b) => a - b);
    if (sorted.join() !== [...this.#lead.options].map((o) => o.value).join()) {
      this.#lead.replaceChildren(...sorted.map((h) => new Option(`${h} h ahead`, h)));
    }
    this.#lead.value = [this.#chosen.get(this.#lead.id), 24, sorted.at(-1)].find((h) => leads.has(Number(h))) ?? "";
    this.#range.value = [this.#chosen.get(this.#range.id)].find((r) => ranges.has(r)) ?? (daily ? "all" : "30");
  }

  get lead() {
    return Number(this.#lead.value);
  }

  get days() {
    return this.#range.value === "all" ? Infinity : Number(this.#range.value);
  }
}
