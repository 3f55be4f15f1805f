// @ts-check
// The history of one record: a chart over a span of time, its rows, and their export.
import { h, hrefOf, state, text } from "./dom.js";
import { Chart } from "./chart.js";
import { brief, cut, parseTime, time, zone } from "./format.js";
import { numberPaths as pathsOf } from "./spark.js";
import { root as server } from "./api.js";

const minute = 60_000, hour = 60 * minute, day = 24 * hour;
const spans = /** @type {[string, number][]} */ ([["5 min", 5 * minute], ["1 h", hour], ["6 h", 6 * hour], ["1 d", day], ["7 d", 7 * day], ["30 d", 30 * day], ["All", 0]]);
// nameOf is a span in the address: 5m, 1h, all.
const nameOf = (/** @type {string} */ label) => label.replace(" min", "m").replace(" ", "").toLowerCase();
const pageRows = 100, mostRows = 1000;

const seconds = (/** @type {number} */ at) => time(at).replace(/\.\d+$/, "");

/** @typedef {import("./chart.js").Span} Span */

export class History {
  #ctx; #key; #chart = /** @type {Chart | undefined} */ (undefined); #ended = false; #turn = 0;
  #back = hour; // the span back from now; 0 is all; NaN is a fixed one
  #span = /** @type {Span} */ ({ from: 0, to: 0 }); #paths = /** @type {string[]} */ ([]); #path = /** @type {string | undefined} */ (undefined);
  #units = /** @type {Map<string, string>} */ (new Map()); #next = /** @type {string | undefined} */ (""); #again = 0; #chosen = false; #count = 0;

  #chose = false; // a span was chosen before the first one was found

  /** @param {HTMLElement} root @param {import("../app.js").Context} ctx @param {string} key */
  constructor(root, ctx, key) {
    [this.#ctx, this.#key] = [ctx, key];
    this.buttons = spans.map(([label, back]) => h("button", { type: "button", "aria-pressed": "false", onclick: () => this.#pressed(label, back) }, label));
    const date = () => h("input", { class: "date", autocomplete: "off", spellcheck: "false", "aria-describedby": "zone", onchange: () => this.#typed() });
    [this.from, this.to, this.zone] = [date(), date(), h("span", { id: "zone", class: "soft" })];
    this.member = h("select", { onchange: () => { this.#path = this.member.value; this.#chosen = true; this.#load(); } });
    this.pick = h("label", { hidden: true }, "Number", this.member);
    this.plot = h("div", { class: "plot" });
    this.summary = h("p", { class: "soft summary", role: "status" });
    this.state = state("Loading the history…");
    this.rows = h("tbody");
    this.table = h("div", { class: "scroll", hidden: true, tabindex: "0", role: "region", "aria-label": "Stored values" },
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), h("th", { scope: "col" }, "Value"))), this.rows));
    this.older = h("button", { type: "button", hidden: true, onclick: () => this.#more(this.#turn) }, "Older values");
    this.links = ["csv", "ndjson"].map((f) => h("a", { class: "button", download: `${key}.${f}`, onclick: (/** @type {Event} */ e) => this.#export(e, f) }, f === "csv" ? "CSV" : "NDJSON"));
    const step = (/** @type {string} */ label, /** @type {string} */ name, /** @type {(s: Span) => Span} */ to) => h("button", { type: "button", "aria-label": name, title: name, onclick: () => this.#fix(to(this.#span)) }, label);
    root.append(
      h("section", { class: "panel", "aria-labelledby": "history" },
        h("div", { class: "tools" }, h("h2", { id: "history" }, "History"), h("div", { class: "group", role: "group", "aria-label": "Span of time" }, ...this.buttons),
          h("div", { class: "group", role: "group", "aria-label": "Move and zoom" },
            step("‹", "Earlier", ({ from, to }) => ({ from: from - (to - from) / 2, to: to - (to - from) / 2 })),
            step("›", "Later", ({ from, to }) => ({ from: from + (to - from) / 2, to: to + (to - from) / 2 })),
            step("+", "Zoom in", ({ from, to }) => ({ from: from + (to - from) / 4, to: to - (to - from) / 4 })),
            step("−", "Zoom out", ({ from, to }) => ({ from: from - (to - from) / 2, to: to + (to - from) / 2 }))),
          h("div", { class: "group dates" }, h("label", {}, "From", this.from), h("label", {}, "to", this.to), this.zone), this.pick),
        this.plot, this.summary, this.state),
      h("section", { class: "panel", "aria-labelledby": "rows" },
        h("div", { class: "tools" }, h("h2", { id: "rows" }, "Stored values"), h("span", { class: "end field" }, "Export what the span has", ...this.links)),
        this.table, h("p", {}, this.older)));
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => this.#chart?.colours();
    this.scheme.addEventListener("change", this.recolour);
    const asked = spans.find(([label]) => nameOf(label) === ctx.params.span);
    if (asked) this.#choose(asked[1]);
    else this.#begin();
  }

  /** members says where the newest value has numbers. @param {string[]} paths */
  members(paths) {
    const more = paths.filter((p) => !this.#paths.includes(p)).slice(0, 50 - this.#paths.length);
    if (!more.length) return;
    this.#paths.push(...more);
    this.member.append(...more.map((p) => h("option", { value: p }, p || "the value")));
    this.pick.hidden = this.#paths.length < 2;
    if (this.#path === undefined) {
      this.#path = this.#paths[0];
      this.#load();
    }
  }

  /** measured says in which unit a number is. */
  measured(/** @type {string} */ path, /** @type {string} */ unit) { this.#units.set(path, unit); }

  /** changed says that there are new values. */
  changed() {
    if (this.#again || Number.isNaN(this.#back)) return;
    const span = this.#span.to - this.#span.from;
    this.#again = setTimeout(() => { this.#again = 0; if (!this.#ended && !document.hidden) this.#load(true); }, Math.min(30_000, Math.max(2000, span / 600)));
  }

  /** say shows why there is no history. @param {string} message */
  say(message) { this.none = message; text(this.state, message); this.state.hidden = false; this.plot.hidden = true; }

  close() {
    this.#ended = true;
    clearTimeout(this.#again);
    this.scheme.removeEventListener("change", this.recolour);
    this.#chart?.close();
  }

  // begin chooses the shortest span that has some of the newest values.
  async #begin() {
    try {
      const { rows } = await this.#ctx.db.query(this.#key, { limit: 1 });
      if (this.#ended || this.#chose) return;
      const age = rows.length ? Date.now() - rows.at(-1).time : 0;
      const fits = age < 0 ? spans.at(-1) : spans.find(([, back]) => back >= hour && back > 1.2 * age);
      this.#choose(fits ? fits[1] : 0);
    } catch (err) {
      this.#failed(err);
    }
  }

  // pressed chooses the span of a button, and puts it into the address.
  #pressed(/** @type {string} */ label, /** @type {number} */ back) {
    this.#chose = true;
    this.#link(nameOf(label));
    this.#choose(back);
  }

  #link(/** @type {string} */ span) { history.replaceState(null, "", hrefOf(this.#key) + (span && `?${new URLSearchParams({ span })}`)); }

  #choose(/** @type {number} */ back) { this.#back = back; this.#load(); }

  #fix(/** @type {Span} */ { from, to }) {
    this.#link(""); // the address has no span that is fixed
    [this.#back, this.#span] = [NaN, { from: Math.max(0, Math.floor(from)), to: Math.max(Math.ceil(to), Math.floor(from) + 2) }];
    this.#load();
  }

  #typed() {
    const [from, to] = [[this.from, this.#span.from], [this.to, this.#span.to]].map(([field, shown]) => {
      const at = field.value === seconds(shown) ? shown : parseTime(field.value); // what is not changed stays exact
      field.setAttribute("aria-invalid", String(Number.isNaN(at)));
      if (Number.isNaN(at)) this.#ctx.say(`“${cut(field.value, 40)}” is no time. Write 2026-01-31 14:05, or with a zone 2026-01-31T14:05Z.`, true);
      return at;
    });
    if (Number.isNaN(from) || Number.isNaN(to)) return;
    if (from >= to) return this.#ctx.say("The span ends before it begins.", true);
    this.#fix({ from, to });
  }

  // limits finds from when to when values are shown.
  async #limits() {
    const now = Date.now(), { db } = this.#ctx;
    if (Number.isNaN(this.#back)) return this.#span;
    if (this.#back) return { from: now - this.#back, to: now };
    const [first, last] = await Promise.all([db.query(this.#key, { cursor: "", order: "asc", limit: 1 }), db.query(this.#key, { limit: 1 })]);
    if (!first.rows.length) return { from: now - hour, to: now };
    const from = first.rows[0].time, to = last.rows[0]?.time ?? now;
    return { from, to: Math.max(to, from + 1000) + 1 };
  }

  async #load(quiet = false) {
    const mine = ++this.#turn;
    if (!quiet && !this.none) { text(this.state, "Loading the history…"); this.state.className = "state"; }
    this.buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(spans[i][1] === this.#back)));
    try {
      this.#span = await this.#limits();
      if (mine !== this.#turn || this.#ended) return;
      const { from, to } = this.#span;
      for (const [field, at] of [[this.from, from], [this.to, to]]) {
        if (field.getAttribute("aria-invalid") === "true" || (quiet && document.activeElement === field)) continue;
        field.value = seconds(at);
      }
      text(this.zone, `Times in ${zone(to)}`);
      this.#address();
      await Promise.all([this.#draw(mine), quiet && this.#count > pageRows ? undefined : this.#more(mine, true)]);
    } catch (err) {
      if (mine === this.#turn) this.#failed(err);
    }
  }

  #failed(/** @type {any} */ err) {
    if (this.#ended || err.code === "closed" || this.none) return;
    this.state.hidden = false;
    this.state.className = "state bad";
    text(this.state, `The history cannot be read: ${err.message}`);
  }

  async #draw(/** @type {number} */ mine) {
    const { from, to } = this.#span, { db, format } = this.#ctx;
    if (this.#path === undefined) {
      this.plot.hidden = true;
      text(this.summary, "");
      return;
    }
    const wide = Math.max(100, Math.min(800, Math.floor(this.plot.clientWidth / 2) || 400));
    const width = Math.max(1, Math.ceil((to - from) / wide));
    const { rows } = await db.query(this.#key, { start: from, end: to, limit: 2 * wide + 10, bucket: { width, path: this.#path } });
    if (mine !== this.#turn || this.#ended) return;
    const buckets = rows.map((/** @type {any} */ r) => r.value);
    let n = 0, others = 0, low = Infinity, high = -Infinity, sum = 0;
    for (const b of buckets) {
      others += b.missing + b.not_numeric;
      if (!b.count) continue;
      n += b.count; sum += b.sum; low = Math.min(low, b.min); high = Math.max(high, b.max);
    }
    this.plot.hidden = n === 0;
    this.plot.dataset.points = String(buckets.length);
    if (n) {
      this.#chart ??= new Chart(this.plot, { onZoom: (span) => (span ? this.#fix(span) : this.#choose(hour)) });
      this.#chart.show(buckets, this.#span, width);
    }
    const name = this.#path || "the value";
    const left = others ? ` ${format.count(others, "value")} ${others === 1 ? "has" : "have"} no number there and ${others === 1 ? "is" : "are"} not drawn.` : "";
    text(this.summary, n ? `${name}${this.#units.has(this.#path ?? "") ? ` in ${this.#units.get(this.#path ?? "")}` : ""}: ${format.count(n, "number")}, least ${format.number(low)}, mean ${format.number(sum / n)}, most ${format.number(high)}${width > 1 ? `, in steps of ${format.duration(width)}` : ""}.${left}` : left.trim());
  }

  // more shows a page of rows, the newest first.
  async #more(/** @type {number} */ mine, first = false) {
    const { from, to } = this.#span, { db, format } = this.#ctx;
    if (!first) this.older.disabled = true;
    try {
      const { rows, next } = await db.query(this.#key, { start: from, end: to, order: "desc", limit: pageRows, cursor: first ? "" : this.#next });
      if (mine !== this.#turn || this.#ended) return;
      const now = Date.now();
      const shown = rows.map((/** @type {any} */ r) => h("tr", {}, h("td", { class: "time" }, format.time(r.time), r.time > now + 2000 ? h("span", { class: "warn" }, " in the future") : null), h("td", { class: "value" }, brief(r.value, 300))));
      if (first) {
        this.rows.replaceChildren(...shown);
        this.#count = 0;
        if (!this.#paths.length || !this.#chosen) for (const r of rows.slice(0, 20)) this.members(pathsOf(r.value));
      } else this.rows.append(...shown);
      this.#count += rows.length;
      this.#next = next;
      this.older.hidden = !next || this.#count >= mostRows;
      this.table.hidden = this.#count === 0;
      if (this.none) return;
      this.state.hidden = this.#count > 0;
      if (!this.#count) { text(this.state, "No values are stored for this span of time. Choose a longer one, or All."); this.state.className = "state"; }
    } catch (err) {
      if (mine === this.#turn) this.#failed(err);
    } finally {
      this.older.disabled = false;
    }
  }

  #query(/** @type {string} */ format) {
    const { from, to } = this.#span;
    return `query?${new URLSearchParams({ pattern: this.#key, start: String(Math.floor(from)), end: String(Math.ceil(to)), format })}`;
  }

  #address() { ["csv", "ndjson"].forEach((f, i) => { this.links[i].href = new URL(`api/${this.#query(f)}`, server).href; }); }

  // export reads with the token, which a link cannot have.
  async #export(/** @type {Event} */ e, /** @type {string} */ format) {
    if (!sessionStorage.getItem("aimdb.console.token")) return;
    e.preventDefault();
    try {
      const url = URL.createObjectURL(await (await this.#ctx.api(this.#query(format))).blob());
      h("a", { href: url, download: `${this.#key}.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (err) {
      this.#ctx.say(`The export failed: ${err.message}`, true);
    }
  }
}
