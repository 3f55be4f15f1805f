// @ts-check
import { h, hrefOf, state, text } from "../lib/dom.js";
import { root as server } from "../lib/api.js";
import { Table } from "../lib/table.js";

export const title = "Live tail";
export const purpose = "Every value as it is written. A lost connection resumes without a gap.";

const most = 1000; // rows that are kept

/** @param {HTMLElement} root @param {import("../app.js").Context} ctx */
export function mount(root, ctx) {
  const page = new Tail(root, ctx);
  return () => page.close();
}

// serverTime is the time of the server, to the second before: that of the browser may differ.
async function serverTime() {
  const date = await fetch(new URL("health", server)).then((r) => Date.parse(r.headers.get("Date") ?? ""), () => NaN);
  return Number.isNaN(date) ? Date.now() : date;
}

/** @typedef {{at: number, key?: string, text: string, loss?: boolean}} Line */

class Tail {
  #ctx; #lines = /** @type {Line[]} */ ([]); #sub = /** @type {any} */ (undefined); #fresh = false;
  #seen = 0; #lost = 0; #position = ""; #paused = false;
  #began = 0; // the time of the server at which a tail from now began

  constructor(/** @type {HTMLElement} */ root, /** @type {import("../app.js").Context} */ ctx) {
    this.#ctx = ctx;
    const { format, params } = ctx;
    this.pattern = h("input", { value: params.pattern || "#", size: "24", spellcheck: "false", autocapitalize: "off", required: true });
    this.mode = h("select", {}, h("option", { value: "stored" }, "Stored records, from now"), h("option", { value: "hour" }, "Stored records, from 1 h ago"), h("option", { value: "live" }, "All records, live only"));
    this.mode.value = ["stored", "hour", "live"].includes(params.from) ? params.from : "stored";
    this.mode.onchange = () => this.#start();
    this.pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.#toggle() }, "Pause");
    this.total = h("span", { class: "end" });
    this.state = h("p", { class: "soft tail-state", role: "status" }, "Connecting…");
    root.append(h("form", { class: "tools", onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); this.#start(); } },
      h("label", {}, "Pattern", this.pattern), h("label", {}, "Show", this.mode), h("button", { class: "primary" }, "Tail"), this.pause,
      h("button", { type: "button", onclick: () => { this.#lines = []; this.#fresh = true; this.#draw(); } }, "Clear"), this.total), this.state);
    this.table = new Table(root, {
      label: "Values, the newest first",
      columns: [
        { id: "time", label: "Time", show: (c, /** @type {Line} */ r) => { text(c, format.clock(r.at)); c.title = format.time(r.at); } },
        { id: "key", label: "Record", make: (c) => c.append(h("a", { tabindex: "-1" })),
          show: (c, r) => { const a = c.firstChild; text(a, r.key ?? ""); a.hidden = !r.key; a.href = r.key ? hrefOf(r.key) : "#/tail"; a.title = r.key ?? ""; } },
        { id: "value", label: "Value", make: (c) => c.classList.add("value"), show: (c, r) => { text(c, r.text); c.title = r.loss ? r.text : ""; c.classList.toggle("warn", Boolean(r.loss)); } },
      ],
    });
    this.timer = setInterval(() => this.#draw(), 250);
    this.#start();
  }

  close() {
    this.#turn = {};
    this.#sub?.close();
    clearInterval(this.timer);
    this.table.close();
  }

  // start begins with the pattern in the form.
  async #start() {
    const pattern = this.pattern.value.trim() || "#", from = this.mode.value;
    history.replaceState(null, "", `#/tail?${new URLSearchParams({ pattern, from })}`);
    [this.#lines, this.#seen, this.#lost, this.#position, this.#fresh] = [[], 0, 0, "", true];
    this.#pausing(false);
    const mine = (this.#turn = {}), now = from === "live" ? 0 : await serverTime();
    if (this.#turn !== mine || this.#paused) return;
    this.#began = from === "hour" ? now - 3_600_000 : now;
    this.#follow(pattern, from === "live" ? undefined : this.#began);
  }

  #follow(/** @type {string} */ pattern, /** @type {number | string | undefined} */ from) {
    this.#sub?.close();
    const { format } = this.#ctx, follows = from !== undefined;
    let caught = false;
    const sub = (this.#sub = this.#ctx.db.subscribe(pattern, {
      from,
      onValue: (/** @type {any} */ value, /** @type {any} */ { record, time, position, live }) => {
        if (sub !== this.#sub || (!follows && !live)) return;
        this.#position = position ?? this.#position;
        this.#seen++;
        this.#add({ at: time ?? Date.now(), key: record, text: format.brief(value, 400) });
      },
      onCaughtUp: () => { caught = true; this.#say(); },
      onLoss: (/** @type {any} */ l) => {
        if (sub !== this.#sub) return;
        this.#lost += l.count ?? 0;
        const what = l.count ? `${format.count(l.count, "value")} of this record ${l.count === 1 ? "is" : "are"} missing here` : l.range ? "A range of values is in neither log nor history" : "Values are missing, or come again";
        this.#add({ at: Date.now(), key: l.record, loss: true, text: l.reason ? `${what}: ${l.reason}` : what });
      },
      onState: (/** @type {string} */ s, /** @type {any} */ err) => {
        if (sub && sub !== this.#sub) return;
        this.#now = s;
        this.#error = err;
        this.#say();
      },
    }));
    this.#caught = () => caught || !follows;
    this.#say();
  }

  #turn = {}; #now = "connecting"; #error = /** @type {any} */ (undefined); #caught = () => false;

  #say() {
    const live = this.mode.value === "live";
    const texts = {
      connecting: "Connecting…",
      open: this.#caught() ? "Live. New values appear at the top." : "Reading stored values…",
      lost: live ? "Connection lost. What is written until it is back is missed." : "Connection lost. It goes on after the last value, without a gap.",
      closed: this.#error ? this.#error.message : "Closed.",
    };
    this.state.dataset.state = this.#paused ? "paused" : this.#now;
    this.state.className = this.#now === "closed" && this.#error && !this.#paused ? "bad tail-state" : "soft tail-state";
    text(this.state, this.#paused ? live ? "Paused. What is written now is not shown." : "Paused. Go on continues after the last value that is shown." : texts[this.#now]);
  }

  #add(/** @type {Line} */ line) {
    this.#lines.push(line);
    if (this.#lines.length >= 2 * most) this.#lines.splice(0, this.#lines.length - most);
    this.#fresh = true;
  }

  #toggle() {
    const pattern = this.pattern.value.trim() || "#";
    this.#pausing(!this.#paused);
    if (this.#paused) {
      this.#position = this.#sub?.position ?? this.#position;
      const sub = this.#sub;
      this.#sub = undefined;
      sub?.close();
    } else this.#follow(pattern, this.mode.value === "live" ? undefined : this.#position || this.#began || Date.now());
    this.#say();
  }

  #pausing(/** @type {boolean} */ paused) {
    this.#paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    text(this.pause, paused ? "Go on" : "Pause");
  }

  #draw() {
    if (!this.#fresh || document.hidden) return;
    this.#fresh = false;
    const { format } = this.#ctx;
    text(this.total, `${format.count(this.#seen, "value")}${this.#lost ? `, ${format.number(this.#lost)} missing` : ""}`);
    this.table.rows(this.#lines.slice(-most).reverse());
  }
}
