// @ts-check
import { h } from "../lib/dom.js";
import { bytes, count, duration, number } from "../lib/format.js";
import { ago, fact, fill, line, listing, meter, perSecond, section, share } from "../lib/parts.js";
import { poll } from "../lib/poll.js";

export const title = "Log and sinks";
export const purpose = "Whether values get into the log, and how far each sink has stored them.";

const kept = 300; // points of the small history, one a second

/**
 * between returns a rate per second from the last two of a counter. The time between them is
 * that of the server, unless its clock was set in between.
 */
const between = (samples, of) => {
  const [a, b] = samples.slice(-2);
  if (!b) return undefined;
  const server = b.time - a.time, here = b.at - a.at;
  const ms = server > 0 && Math.abs(server - here) < 5000 ? server : here;
  return ms > 0 ? Math.max(0, ((of(b) - of(a)) * 1000) / ms) : undefined;
};

export function mount(root, { db }) {
  const log = h("dl", { class: "facts" }), charts = h("div", { class: "charts" }), sinks = h("div");
  const samples = []; // {time, at, published, sinks: {name: {values, lag}}}; at is the time of this page
  const rates = []; // values per second into the log

  function show(state) {
    const { log: l, time_ms: now } = state;
    samples.push({ time: now, at: performance.now(), published: l.published, sinks: Object.fromEntries(state.sinks.map((s) => [s.name, { values: s.values, lag: s.lag_messages }])) });
    if (samples.length > kept) samples.shift();
    rates.push(between(samples, (x) => x.published));
    if (rates.length > kept) rates.shift();
    const ok = l.state === "ok";
    fill(log,
      fact("State", ok ? "ok" : "failing", ok ? "takes values" : `${l.state}, ${l.failing_since_ms ? `since ${duration(now - l.failing_since_ms)}` : "just now"}`, ok ? "" : "bad"),
      fact("Written", perSecond(rates.at(-1)), `${number(l.published)} since the start`),
      fact("Messages", number(l.messages), `${number(l.first_sequence)} to ${number(l.last_sequence)}`),
      fact("Size", bytes(l.bytes), h("span", {}, `${share(l.bytes, l.max_bytes)} of ${bytes(l.max_bytes)}`, meter(`${share(l.bytes, l.max_bytes)} of the log is used`, l.bytes, l.max_bytes))),
      fact("Oldest", ago(l.oldest_ms, now), `goes after ${duration(l.max_age_ms)}`),
      fact("Trouble", number(l.refused + l.retries), `${number(l.refused)} too large, ${number(l.retries)} retries, ${number(l.underway)} underway`, l.refused > 0 ? "bad" : ""));
    const lag = samples.map((x) => Math.max(0, ...Object.values(x.sinks).map((s) => s.lag)));
    const span = `in the last ${duration(Math.max(1000, samples.at(-1).at - samples[0].at))}`;
    fill(charts,
      h("figure", {}, line(`Values per second into the log, now ${perSecond(rates.at(-1))}`, rates, 300, 60), h("figcaption", {}, `Into the log: ${perSecond(rates.at(-1))} now, at most ${perSecond(Math.max(...rates.filter((r) => r != null)))} ${span}`)),
      h("figure", {}, line(`Messages that the slowest sink lacks, now ${number(lag.at(-1))}`, lag, 300, 60), h("figcaption", {}, `The slowest sink lacks ${count(lag.at(-1), "message")} now, at most ${number(Math.max(...lag))} ${span}`)));
    fill(sinks, listing("Sinks", [["Sink"], ["State"], ["Lag in messages", "n"], ["Lag in time", "n"], ["Values", "n"], ["Last commit", "n"], ["Refused", "n"], ["Lost", "n"], ["Retries", "n"]],
      state.sinks.map((s) => [s.name,
        h("span", { class: s.state === "ok" ? "good" : "bad" }, s.state === "ok" ? "ok" : `${s.state}${s.failing_since_ms ? `, since ${duration(now - s.failing_since_ms)}` : ""}`),
        number(s.lag_messages), s.lag_messages ? duration(s.lag_seconds * 1000) : "0 s",
        perSecond(between(samples, (x) => x.sinks[s.name]?.values ?? 0)), ago(s.last_commit_ms, now), number(s.refused), number(s.lost), number(s.retries)]),
      "This database has no sinks: values are not stored outside the log."));
  }
  const polled = poll(() => db.call("stats"), show, 1000);
  root.append(
    polled.note, section("Log", log, charts), section("Sinks", sinks));
  return polled.stop;
}
