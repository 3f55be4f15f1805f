// @ts-check
import { h, hrefOf } from "../lib/dom.js";
import { bytes, number } from "../lib/format.js";
import { ago, fact, fill, listing, meter, section, share } from "../lib/parts.js";
import { poll } from "../lib/poll.js";

export const title = "Disk";
export const purpose = "Who fills the disk, and what was deleted on purpose.";

export function mount(root, { db }) {
  const facts = h("dl", { class: "facts" }), parts = h("div"), records = h("div"), pruned = h("div");
  let limit = 100;

  async function read() {
    const state = await db.call("stats");
    const usage = state.history ? await db.call("history.usage", { limit }) : undefined;
    return { state, usage };
  }
  function show({ state, usage }) {
    const { log, history, time_ms: now } = state;
    const all = log.bytes + (history ? history.bytes + history.wal_bytes : 0);
    const rest = usage ? Math.max(0, usage.bytes - usage.free_bytes - usage.value_bytes) : 0;
    fill(facts, fact("Together", bytes(all)), fact("Rows", number(history?.rows), history ? `of ${number(history.records)} records` : "no history"),
      history && fact("Oldest row", ago(history.oldest_ms, now)), history && fact("Last sweep", ago(history.last_prune_ms, now)));
    const bars = [
      ["Values in the history", usage?.value_bytes, "what the records hold"],
      ["Index and the rest of the history", usage && rest, "keys, times, proofs, pages that are not full"],
      ["Free inside the history", usage?.free_bytes, "used again before the file grows"],
      ["Write-ahead log of the history", usage?.wal_bytes, history?.wal_stuck ? "grows: another reader keeps a transaction open; find and end it" : "is small again after each checkpoint"],
      ["Log", log.bytes, `at most ${bytes(log.max_bytes)}`],
    ].filter(([, n]) => n != null);
    const top = Math.max(1, ...bars.map(([, n]) => n));
    fill(parts, listing("Parts", [["Part"], ["Size", "n"], ["", "bar"], ["Share", "n"], ["What it is", "what"]],
      bars.map(([name, n, what]) => [name, bytes(n), meter(`${name}: ${share(n, all)}`, n, top), share(n, all), what])));
    if (!usage) {
      fill(records, h("p", { class: "state" }, "This database keeps no history."));
      fill(pruned);
      return;
    }
    const first = usage.records[0]?.bytes ?? 1;
    fill(records, listing("Records by size", [["Record"], ["Values", "n"], ["", "bar"], ["Share", "n"], ["Rows", "n"], ["Size of a row", "n"], ["Oldest", "short"], ["Newest", "short"]],
      usage.records.map((r) => [h("a", { href: hrefOf(r.record) }, r.record), bytes(r.bytes), meter(`${share(r.bytes, usage.value_bytes)} of all values`, r.bytes, first), share(r.bytes, usage.value_bytes),
        number(r.rows), bytes(Math.round(r.bytes / r.rows)), ago(r.first_time, now), ago(r.last_time, now)]), "The history has no rows yet."),
      usage.others.records > 0 && h("p", { class: "state" }, `${number(usage.others.records)} other records have ${bytes(usage.others.bytes)} in ${number(usage.others.rows)} rows. `,
        usage.records.length === limit && limit < 10_000 ? h("button", { type: "button", onclick: () => { limit *= 10; polled.now(); } }, "Show more") : null));
    fill(pruned, listing("Deleted on purpose", [["Policy"], ["Rows", "n"], ["Bytes of values", "n"]],
      usage.pruned.map((p) => [p.pattern || "limit of the whole history", number(p.rows), bytes(p.bytes)]), "Sweeps have deleted nothing since the database started."));
  }
  const polled = poll(read, show, 5000);
  root.append(
    polled.note, section("On the disk", facts, parts), section("Records, the largest first", records), section("Deleted on purpose since the start", pruned));
  return polled.stop;
}
