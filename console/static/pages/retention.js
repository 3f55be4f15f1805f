// @ts-check
import { h } from "../lib/dom.js";
import { bytes, clock, duration, number, time } from "../lib/format.js";
import { ago, fact, fill, listing, section } from "../lib/parts.js";

export const title = "Retention";
export const purpose = "How long rows are kept, and what a sweep would delete. This page changes nothing: limits are settings of the database.";

const units = [["ms", 1], ["s", 1000], ["min", 60_000], ["h", 3_600_000], ["d", 86_400_000]];
const sizes = [["B", 1], ["kB", 1e3], ["KiB", 2 ** 10], ["MB", 1e6], ["MiB", 2 ** 20], ["GB", 1e9], ["GiB", 2 ** 30], ["TB", 1e12], ["TiB", 2 ** 40]];

/**
 * parse reads a number with a unit, such as 7d or 10 MB. Nothing is 0.
 * @param {string} text @param {[string, number][]} units @param {string} usual the unit of a number alone
 */
export function parse(text, units, usual) {
  const [, number, unit] = /^\s*([\d.]*)\s*([a-zA-Z]*)\s*$/.exec(text) ?? [];
  if (number === undefined || (number === "" && unit)) throw new Error(`“${text}” is not a number with a unit`);
  if (number === "") return 0;
  const scale = units.find(([name]) => name.toLowerCase() === (unit || usual).toLowerCase());
  const n = Number(number) * (scale?.[1] ?? NaN);
  if (!Number.isFinite(n)) throw new Error(`“${text}” is not a number with a unit of ${units.map(([name]) => name).join(", ")}`);
  return Math.round(n);
}

const written = (n, units, usual) => {
  if (!n) return "";
  const [unit, size] = [...units].reverse().find(([, size]) => n >= size && (n / size) * 100 % 1 === 0) ?? [usual, 1];
  return `${n / size} ${unit}`;
};

// A limit is shown as it was set, if that is a round number of a unit.
const limit = (n) => { const exact = written(n, sizes, "B"); return exact.endsWith(" B") ? bytes(n) : exact; };

export function mount(root, { db }) {
  let ended = false;
  const note = h("p", { class: "asof", role: "status" }), facts = h("dl", { class: "facts" });
  const policies = h("div"), pruned = h("div"), result = h("div", { "aria-live": "polite" }), rows = h("div", { class: "limits" });
  const whole = h("input", { autocomplete: "off", placeholder: "no limit" });
  const started = h("button", { type: "submit", class: "primary" }, "Try these limits");

  function addRow(p = {}) {
    const field = (label, value, wide) => h("label", {}, h("span", {}, label), h("input", { value, class: wide && "wide", autocomplete: "off", spellcheck: "false", placeholder: label === "Pattern" ? "#" : "no limit" }));
    const row = h("fieldset", {}, h("legend", { class: "sr" }, "Policy"),
      field("Pattern", p.pattern ?? "", true), field("Age", written(p.max_age_ms, units, "ms")), field("Rows", p.max_rows || ""), field("Bytes", written(p.max_bytes, sizes, "B")),
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: Boolean(p.forever) }), h("span", {}, "For ever")),
      h("button", { type: "button", onclick: () => { row.remove(); whole.focus(); } }, "Remove"));
    rows.append(row);
    return row;
  }
  function limits() {
    const list = [...rows.querySelectorAll("fieldset")].map((row) => {
      const [pattern, age, most, size, forever] = row.querySelectorAll("input");
      const bare = { pattern: pattern.value.trim() || "#", max_age_ms: parse(age.value, units, "d"), max_rows: parse(most.value, [["", 1], ["k", 1e3], ["M", 1e6]], ""), max_bytes: parse(size.value, sizes, "B") };
      return forever.checked ? { ...bare, forever: true } : bare;
    });
    return { policies: list, history_bytes: parse(whole.value, sizes, "B") };
  }

  function show(r) {
    fill(facts, fact("Sweeps", r.every_ms ? `every ${duration(r.every_ms)}` : "–"), fact("Last sweep", ago(r.last_sweep_ms, r.time_ms), time(r.last_sweep_ms)),
      fact("Whole history", r.history_bytes ? limit(r.history_bytes) : "no limit", "the rows stored first go first"));
    fill(policies, listing("Policies", [["Pattern"], ["Age", "n"], ["Rows", "n"], ["Bytes of values", "n"], ["For ever"]],
      r.policies.map((p) => [p.pattern, p.max_age_ms ? written(p.max_age_ms, units, "ms") : "–", p.max_rows ? number(p.max_rows) : "–", p.max_bytes ? limit(p.max_bytes) : "–", p.forever ? "yes" : ""]),
      r.history_bytes ? "There is no policy: only the limit of the whole history removes rows." : "There is no limit: nothing is removed, and the disk fills."));
    fill(pruned, listing("Deleted on purpose", [["Policy"], ["Rows", "n"], ["Bytes of values", "n"]],
      r.pruned.map((p) => [p.pattern || "limit of the whole history", number(p.rows), bytes(p.bytes)]), "Sweeps have deleted nothing since the database started."));
    if (!rows.children.length) r.policies.forEach(addRow);
    if (!whole.value) whole.value = written(r.history_bytes, sizes, "B");
  }
  async function read() {
    try {
      const answer = await db.call("retention.list");
      if (ended) return;
      show(answer);
      for (const part of root.querySelectorAll("section")) part.hidden = false;
      note.textContent = `As of ${clock(Date.now()).slice(0, 8)}`;
    } catch (error) {
      if (ended) return;
      note.textContent = facts.children.length ? `This is not current: ${error.message}` : error.message;
      if (!facts.children.length) for (const part of root.querySelectorAll("section")) part.hidden = true; // there is nothing to try
    }
  }

  async function attempt(params, what) {
    started.disabled = true;
    fill(result, h("p", {}, "Looking for rows that would go …"));
    try {
      const report = await db.call("retention.try", params);
      if (ended) return;
      fill(result, h("h3", {}, `A sweep now, with ${what}`),
        h("p", {}, report.rows === 0 ? "It would delete nothing." : h("b", {}, `It would delete ${number(report.rows)} rows with ${bytes(report.bytes)} of values.`), " Nothing was deleted by this look."),
        report.future > 0 && h("p", {}, `${number(report.future)} rows from the future stay until they were stored for as long as the age says.`),
        report.over_bytes > 0 && h("p", { class: "bad" }, `The history would still be ${bytes(report.over_bytes)} above its limit, because policies keep the rest.`),
        report.held.length > 0 && h("p", { class: "bad" }, `Records that keep rows which only the clock makes too old: ${report.held.map((x) => `${x.record} (${number(x.rows)})`).join(", ")}. See whether the clock is right.`),
        report.rows > 0 && listing("Rows that would go", [["Record"], ["Rows", "n"], ["Bytes of values", "n"]],
          [...report.records].sort((a, b) => b.bytes - a.bytes).slice(0, 500).map((x) => [x.record, number(x.rows), bytes(x.bytes)])),
        report.records.length > 500 && h("p", { class: "state" }, `and ${number(report.records.length - 500)} more records`));
    } catch (error) {
      if (!ended) fill(result, h("p", { class: "bad" }, error.message));
    } finally {
      started.disabled = false;
    }
  }
  function submit(event) {
    event.preventDefault();
    let asked;
    try {
      asked = limits();
    } catch (error) {
      fill(result, h("p", { class: "bad" }, error.message));
      return;
    }
    attempt(asked, "these limits");
  }

  document.addEventListener("reconnected", read);
  read();
  root.append(note,
    section("In force", facts, policies),
    section("Dry run",
      h("p", { class: "hint" }, "What a sweep would delete now. The most specific pattern that matches a record decides about it."),
      h("form", { class: "dry", onsubmit: submit }, rows,
        h("div", { class: "tools" }, h("label", {}, "Whole history", whole), h("button", { type: "button", onclick: () => addRow().querySelector("input").focus() }, "Add a policy")),
        h("div", { class: "tools" }, started, h("button", { type: "button", onclick: () => attempt(undefined, "the limits in force") }, "Try the limits in force"))),
      result),
    section("Deleted on purpose since the start", pruned));
  return () => {
    ended = true;
    document.removeEventListener("reconnected", read);
  };
}
