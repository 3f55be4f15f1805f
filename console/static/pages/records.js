// @ts-check
import { h, hrefOf, state, text } from "../lib/dom.js";
import { Row } from "../lib/live.js";
import { accent, draw, sizeOf } from "../lib/spark.js";
import { Table } from "../lib/table.js";

export const title = "Records";
export const purpose = "All records with their newest values. Choose one to see its history.";

/** @typedef {import("../app.js").Context} Context */

/** @param {HTMLElement} root @param {Context} ctx */
export function mount(root, ctx) {
  const page = new Records(root, ctx);
  return () => page.close();
}

const orders = {
  key: (/** @type {Row} */ a, /** @type {Row} */ b) => (a.key < b.key ? -1 : 1),
  value: (/** @type {Row} */ a, /** @type {Row} */ b) => (a.number ?? -Infinity) - (b.number ?? -Infinity) || (a.text < b.text ? -1 : 1),
  age: (/** @type {Row} */ a, /** @type {Row} */ b) => b.time - a.time || orders.key(a, b),
  rate: (/** @type {Row} */ a, /** @type {Row} */ b, /** @type {number} */ now) => a.rate(now) - b.rate(now) || orders.key(a, b),
};

class Records {
  #ctx; #all = /** @type {Map<string, Row>} */ (new Map()); #shown = /** @type {Row[]} */ ([]);
  #by = "key"; #down = false; #stale = true; #ended = new AbortController(); #listed = false;
  #colour = accent(); #size = /** @type {undefined | {width: number, height: number}} */ (undefined); #ticks = 0; #asking = 0; #each = /** @type {undefined | Map<string, any>} */ (undefined);

  constructor(/** @type {HTMLElement} */ root, /** @type {Context} */ ctx) {
    this.#ctx = ctx;
    const { format } = ctx;
    this.filter = h("input", { type: "search", value: ctx.params.q ?? "", placeholder: "Part of a key, * for any", size: "24", spellcheck: "false", oninput: () => this.#filtered() });
    this.order = h("select", { onchange: () => this.#sort(this.order.value, this.order.value === "rate") },
      ...[["key", "Key"], ["value", "Value"], ["age", "Age"], ["rate", "Rate"]].map(([v, l]) => h("option", { value: v }, l)));
    this.total = h("span", { class: "end", role: "status" });
    this.state = state("Loading the records…");
    root.append(h("div", { class: "tools", role: "search" }, h("label", {}, "Filter", this.filter), h("label", {}, "Sort by", this.order), this.total), this.state);
    const now = () => Date.now();
    this.table = new Table(root, {
      label: "Records",
      columns: [
        { id: "key", label: "Record", sorts: true, make: (c) => c.append(h("a", { tabindex: "-1" })),
          show: (c, /** @type {Row} */ r) => { const a = c.firstChild; text(a, r.key); a.href = hrefOf(r.key); a.title = r.key; } },
        { id: "value", label: "Value", sorts: true, make: (c) => c.classList.add("value"),
          show: (c, r) => { text(c, r.known ? r.text : "no value yet"); c.classList.toggle("soft", !r.known); } },
        { id: "spark", label: "Last values", make: (c) => c.append(h("canvas", { "aria-hidden": "true" })), show: (c, r) => draw(c.firstChild, r.trace, this.#colour, (this.#size ??= this.#measured(c.firstChild))) },
        { id: "rate", label: "Rate", number: true, sorts: true, show: (c, r) => text(c, format.rate(r.rate(now()))) },
        { id: "age", label: "Age", number: true, sorts: true, show: (c, r) => { text(c, format.age(r.time, now())); c.title = r.time ? format.time(r.time) : ""; } },
      ],
      onSort: (id) => this.#sort(id, id === this.#by ? !this.#down : id === "rate"),
      onSeen: () => this.#seen(),
    });
    this.grid = /** @type {HTMLElement} */ (root.querySelector(".grid"));
    this.grid.hidden = true;
    this.timer = setInterval(() => this.#tick(), 250);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.#colour = accent(); this.table.refresh(); }, { signal: this.#ended.signal });
    addEventListener("resize", () => { this.#size = undefined; this.table.refresh(); }, { signal: this.#ended.signal });
    this.#list();
    ctx.db.subscribe("#", {
      signal: this.#ended.signal,
      onValue: (/** @type {any} */ value, /** @type {any} */ { record, live }) => this.#take(record, value, live),
      onState: (/** @type {string} */ s, /** @type {any} */ error) => {
        // Without the right to read everything, only the rows that are seen are subscribed to.
        if (s === "closed" && error?.code === "denied") { this.#each = new Map(); this.#stale = true; this.#seen(); }
      },
    });
  }

  close() {
    this.#ended.abort();
    clearInterval(this.timer);
    clearTimeout(this.later);
    this.table.close();
  }

  // measured is the size of all canvases, once they have one.
  #measured(/** @type {HTMLCanvasElement} */ canvas) {
    const size = sizeOf(canvas);
    if (!size.width) setTimeout(() => { this.#size = undefined; });
    return size;
  }

  #row(/** @type {string} */ key) {
    let row = this.#all.get(key);
    if (!row) {
      this.#all.set(key, (row = new Row(key)));
      this.#stale = true;
    }
    return row;
  }

  #take(/** @type {string} */ key, /** @type {any} */ value, /** @type {boolean} */ live) { this.#row(key).take(value, live, Date.now()); }

  async #list() {
    try {
      for (const info of await this.#ctx.db.list()) {
        const row = this.#row(info.record_key);
        row.info = info;
        row.time ||= info.last_write_ms ?? 0;
        row.dirty = true;
      }
      this.#listed = true;
      this.#stale = true;
      if (!this.#ended.signal.aborted) this.#show();
    } catch (err) {
      if (err.code !== "closed") this.state.replaceWith((this.state = state(`The records cannot be listed: ${err.message}`, true)));
    }
  }

  #sort(/** @type {string} */ by, /** @type {boolean} */ down) {
    [this.#by, this.#down, this.#stale] = [by, down, true];
    this.order.value = by;
    this.#show();
    this.table.top();
  }

  #filtered() {
    const q = this.filter.value.trim();
    history.replaceState(null, "", q ? `#/records?${new URLSearchParams({ q })}` : "#/records");
    this.#stale = true;
    this.#show();
    this.table.top();
  }

  // show filters and sorts.
  #show() {
    this.#stale = false;
    const q = this.filter.value.trim().toLowerCase(), all = [...this.#all.values()];
    const glob = q.includes("*") ? new RegExp(q.split("*").map((/** @type {string} */ p) => p.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")) : undefined;
    const rows = q === "" ? all : all.filter((r) => (glob ? glob.test(r.lower) : r.lower.includes(q)));
    const order = orders[this.#by], now = Date.now();
    rows.sort((a, b) => order(a, b, now));
    if (this.#down) rows.reverse();
    this.#shown = rows;
    const { count, number } = this.#ctx.format;
    const none = !all.length && this.#each; // there may be others, which the server does not tell
    text(this.total, none ? "" : q ? `${number(rows.length)} of ${count(all.length, "record")}` : count(all.length, "record"));
    this.grid.hidden = rows.length === 0;
    this.state.hidden = rows.length > 0;
    if (!rows.length && this.#listed) text(this.state, all.length ? "No key matches the filter." : none ? "This token or user may read none of the records." : "There are no records yet. One appears here with its first value.");
    this.table.sorted(this.#by, this.#down);
    this.table.rows(rows);
    if (rows.length && !performance.getEntriesByName("records").length) performance.mark("records"); // the tests measure the first
  }

  #tick() {
    if (document.hidden) return;
    const second = ++this.#ticks % 4 === 0;
    const moves = second && (this.#by !== "key") && this.#shown.some((r) => r.dirty);
    if ((this.#stale && (this.#listed || this.#all.size)) || moves) this.#show();
    this.table.refresh((row) => {
      const changed = second || row.dirty;
      row.dirty = false;
      return changed;
    });
  }

  // seen subscribes to what is seen, where that is needed, and asks for what came before.
  #seen() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      if (this.#ended.signal.aborted) return;
      this.#subscribeSeen();
      this.#fill();
    }, 200);
  }

  #subscribeSeen() {
    if (!this.#each) return;
    const seen = new Set(this.table.seen().map((r) => r.key));
    for (const [key, sub] of this.#each) if (!seen.has(key)) { sub.close(); this.#each.delete(key); }
    for (const key of seen) {
      if (this.#each.has(key)) continue;
      this.#each.set(key, this.#ctx.db.subscribe(key, { signal: this.#ended.signal, onState: () => {},
        onValue: (/** @type {any} */ value, /** @type {any} */ { live }) => this.#take(key, value, live) }));
    }
  }

  // fill asks for the last stored values of the rows that are seen, two at a time. Records
  // with large values are left out.
  async #fill() {
    while (this.#asking < 2 && !this.#ended.signal.aborted) {
      const row = this.table.seen().find((r) => !r.filled && r.info?.persisted && r.known && r.whole && r.number !== undefined);
      if (!row) return;
      row.filled = true;
      this.#asking++;
      this.#ctx.db.query(row.key, { limit: 40 }).then((/** @type {any} */ a) => row.fill(a.rows), () => {}).finally(() => { this.#asking--; this.#fill(); });
    }
  }
}
