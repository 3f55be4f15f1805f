// @ts-check
import { h, hrefOf } from "../lib/dom.js";
import { bytes, clock, number, time, zone } from "../lib/format.js";
import { fill, listing, section } from "../lib/parts.js";
import { causes } from "../lib/causes.js";

export const title = "Losses and dead letters";
export const purpose = "What is missing and why, and the values that a store has refused. What retention deleted on purpose is no loss.";

const pageRows = 100;
const logReader = "log"; // what it misses is counted as lost before the log

/** range of a loss. */
const numbers = ({ from, to }) => (to ? (from === to ? number(from) : `${number(from)} to ${number(to)}`) : from ? `from ${number(from)}` : "–");
const times = ({ first_time: a, last_time: b }) => (!a && !b ? "–" : a === b || !b ? time(a) : !a ? `until ${time(b)}` : `${time(a)} to ${time(b)}`);

export function mount(root, { db, say }) {
  const sums = h("div"), memory = h("div"), skipped = h("div"), losses = h("div"), letters = h("div");
  const note = h("p", { class: "asof", role: "status" });
  let ended = false, stores = [], drops = [];

  // The parts of the database that have no ledger: which stores there are, and what readers skipped.
  async function readParts() {
    const [state, records] = await Promise.all([db.call("stats"), db.call("record.list")]);
    stores = state.sinks;
    drops = records.flatMap((r) => (r.drops ?? []).filter((d) => d.reader !== logReader).map((d) => ({ ...d, record: r.record_key })));
  }

  // A list is read page by page, as the person asks for more.
  function list(method, member, into, show, first = async () => {}) {
    let rows = [], hidden = 0;
    return async function read(cursor = "") {
      try {
        if (!cursor) await first();
        const page = await db.call(method, { limit: pageRows, cursor });
        if (ended) return;
        rows = cursor ? [...rows, ...page[member]] : page[member];
        hidden = (cursor ? hidden : 0) + page.hidden;
        fill(into, show(rows, page, !cursor),
          hidden > 0 && h("p", { class: "state" }, `${number(hidden)} more are of records that this token may not read.`),
          page.next && h("button", { type: "button", onclick: () => read(page.next) }, "Show more"));
        note.textContent = `As of ${clock(Date.now()).slice(0, 8)}`;
      } catch (error) {
        if (!ended) note.textContent = rows.length ? `This is not current: ${error.message}` : error.message;
      }
    };
  }

  const readLosses = list("loss.list", "losses", losses, (rows, page, first) => {
    if (first) showSums(page);
    return listing("Losses", [["Record"], ["Cause"], ["Count", "n"], ["Numbers"], ["Written"], ["Sink"]],
      rows.map((l) => [l.record || "(all records)", h("span", { title: causes[l.cause] ?? "" }, l.cause), l.count ? number(l.count) : "unknown", numbers(l), times(l), l.sink + (l.share ? ", part of an entry without a record" : "")]),
      stores.length ? "Nothing is lost." : "There is no ledger, because this database has no store.");
  }, readParts);

  function showSums(page) {
    const sum = (list, cause) => list.filter((x) => x.cause === cause).reduce((n, x) => n + x.count, 0);
    const before = page.records ?? [], kept = page.causes ?? [], several = new Set(kept.map((c) => c.sink)).size > 1;
    const inLedgers = (cause) => kept.filter((c) => c.cause === cause).map((c) => `${several ? `${c.sink} ` : ""}${c.count ? number(c.count) : "unknown"}`).join(", ");
    const all = [...new Set([...kept, ...before, ...drops].map((x) => x.cause))].sort();
    fill(sums, listing("Losses by cause", [["Cause"], ["Ledger", "n"], ["Before the log", "n"], ["Readers", "n"], ["Meaning", "what"]],
      all.map((cause) => [cause, inLedgers(cause) || "0", number(sum(before, cause)), number(sum(drops, cause)), causes[cause] ?? "A cause that this page does not know."]), "Nothing is lost."),
      all.length > 0 && h("p", { class: "hint" }, "The ledger of a store has all losses of values that were to be stored. The other two columns count since the database started: values lost before the log, which the ledger has too, and values that a reader missed."),
      page.partial && h("p", { class: "state" }, "The ledger is long: the sums lack its end."));
    fill(memory, listing("Lost in memory", [["Record"], ["Cause"], ["Meaning", "what"], ["Count", "n"]],
      (page.records ?? []).map((r) => [h("a", { href: hrefOf(r.record) }, r.record), r.cause, causes[r.cause] ?? "", number(r.count)]),
      "No record has lost a value before the log since the database started."));
    const most = [...drops].sort((a, b) => b.count - a.count);
    fill(skipped, listing("Skipped by readers", [["Record"], ["Reader"], ["Cause"], ["Count", "n"]],
      most.slice(0, pageRows).map((d) => [h("a", { href: hrefOf(d.record) }, d.record), d.reader || "–", h("span", { title: causes[d.cause] ?? "" }, d.cause), number(d.count)]),
      "No reader has missed a value since the database started."),
      most.length > pageRows && h("p", { class: "state" }, `${number(most.length - pageRows)} more readers missed fewer values.`));
  }

  // The letters come second: what they say depends on the stores.
  async function read() { await readLosses(); await readLetters(); }

  let chosen = new Set(), shown = [];
  const id = (l) => `${l.sink} ${l.id}`;
  const retry = h("button", { type: "button", disabled: true, onclick: ask }, "Retry");
  const result = h("p", { class: "result", role: "status" });
  function choose() {
    retry.disabled = chosen.size === 0;
    retry.textContent = chosen.size ? `Retry ${number(chosen.size)} …` : "Retry …";
  }
  const readLetters = list("deadletter.list", "letters", letters, (rows) => {
    shown = rows;
    chosen = new Set([...chosen].filter((key) => rows.some((l) => id(l) === key)));
    choose();
    if (rows.length === 0) return h("p", { class: "state" }, stores.length === 0 ? "No dead letters, because this database has no store." : stores.some((s) => s.refused) ? "There are no dead letters now." : "No dead letters: the stores took all values.");
    const boxes = rows.map((l) => h("input", { type: "checkbox", "aria-label": `Choose dead letter ${l.id} of ${l.record}`, onchange: (e) => { e.target.checked ? chosen.add(id(l)) : chosen.delete(id(l)); choose(); } }));
    boxes.forEach((b, i) => { b.checked = chosen.has(id(rows[i])); });
    const all = h("button", { type: "button", onclick: () => { for (const [i, b] of boxes.entries()) { b.checked = true; chosen.add(id(rows[i])); } choose(); } }, "Choose all shown");
    return h("div", {}, h("p", { class: "tools" }, all, " ", retry),
      listing("Dead letters", [["Record"], ["Choose"], ["Reason", "what"], ["Value"], ["Written"], ["Sequence", "n"], ["ID", "n"], ["Sink"]],
        rows.map((l, i) => [l.record, boxes[i], l.reason, h("span", {}, h("code", { class: "cut" }, l.value), h("small", {}, ` ${bytes(l.bytes)}`)), time(l.time), number(l.sequence), String(l.id), l.sink])));
  });

  const dialog = h("dialog", { "aria-labelledby": "retry-title" });
  function ask() {
    const what = chosen.size === 1 ? "1 dead letter" : `${number(chosen.size)} dead letters`;
    fill(dialog, h("h2", { id: "retry-title" }, `Store ${what} now?`),
      h("p", {}, "Each one that the store takes becomes a row under its own time, and leaves the dead letters and the ledger of losses. One that it refuses again stays where it is."),
      h("p", { class: "tools" },
        h("button", { type: "button", class: "primary", onclick: () => { dialog.close(); run(); } }, `Store ${what}`), " ",
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
    dialog.showModal();
  }
  async function run() {
    const bySink = new Map();
    for (const l of shown) if (chosen.has(id(l))) bySink.set(l.sink, [...(bySink.get(l.sink) ?? []), l]);
    let stored = 0;
    const failed = [];
    retry.disabled = true;
    result.textContent = "Storing …";
    try {
      for (const [sink, some] of bySink) {
        for (let i = 0; i < some.length; i += 200) { // each answer within the time of a call
          const answer = await db.call("deadletter.retry", { sink, ids: some.slice(i, i + 200).map((l) => l.id) });
          stored += answer.stored.length;
          failed.push(...answer.failed.map((f) => `${f.id}: ${f.reason}`));
        }
      }
      result.textContent = `${number(stored)} stored${failed.length ? `, ${number(failed.length)} refused again. ${failed.slice(0, 3).join("; ")}` : "."}`;
      chosen = new Set();
    } catch (error) {
      result.textContent = `${stored ? `${number(stored)} stored, then: ` : ""}${error.message}`;
      say?.(error.message);
    }
    if (!ended) await read();
    if (!ended) choose();
  }

  choose();
  document.addEventListener("reconnected", read);
  read();
  root.append(
    h("div", { class: "tools" }, h("button", { type: "button", onclick: read }, "Read again"), note, h("span", { class: "soft" }, `Times are in ${zone()}.`)),
    section("By cause", sums), section("Dead letters", result, letters), section("Ledger of losses", losses), section("Lost in memory before the log", memory), section("Skipped by readers", skipped), dialog);
  return () => {
    ended = true;
    document.removeEventListener("reconnected", read);
  };
}
