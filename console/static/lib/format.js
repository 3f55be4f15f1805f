// @ts-check
// Texts for numbers, times and values. All times are Unix ms.

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** number has at most 6 significant digits, grouped. */
export function number(/** @type {number} */ n) {
  if (!Number.isFinite(n)) return "–";
  if (n !== 0 && (Math.abs(n) < 0.001 || Math.abs(n) >= 1e12)) return n.toExponential(3);
  return Math.abs(n) >= 1e6 || Number.isInteger(n) ? grouped.format(n) : numbers.format(n);
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 3 });

/** short is a number for an axis: 31.25B. */
export const short = (/** @type {number} */ n) => (Math.abs(n) >= 1e6 && Math.abs(n) < 1e15 ? compact.format(n) : number(n));

/** count is a number of things: 1 client, 2 clients. */
export const count = (/** @type {number} */ n, /** @type {string} */ one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** bytes: 1.5 MiB, in units of 1024 as everywhere in AimDB. */
export function bytes(/** @type {number} */ n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (Math.abs(n) >= 1000 && unit < units.length - 1) [n, unit] = [n / 1024, unit + 1];
  return `${unit === 0 || n >= 100 ? grouped.format(n) : n.toFixed(1)} ${units[unit]}`;
}

/** duration: 850 ms, 12 s, 3 min, 4 h, 12 d, 74 y. */
export function duration(/** @type {number} */ ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 99.5) return `${Math.round(s)} s`;
  if (s < 99 * 60) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  const days = Math.round(s / 86400);
  return days < 1000 ? `${days} d` : `${grouped.format(Math.round(days / 365.2425))} y`;
}

/** age is how long ago a time was; one in the future says so. */
export function age(/** @type {number | undefined} */ time, now = Date.now()) {
  if (!time) return "–";
  const ms = now - time;
  if (ms < -2000) return `in ${duration(ms)}`;
  return ms < 1000 ? "now" : duration(ms);
}

/** rate: values a second, or a minute or an hour where they are few. */
export function rate(/** @type {number} */ perSecond) {
  if (!(perSecond > 0)) return "–";
  if (perSecond >= 0.95) return `${perSecond < 10 ? perSecond.toFixed(1) : grouped.format(perSecond)}/s`;
  if (perSecond * 60 >= 0.95) return `${(perSecond * 60).toFixed(0)}/min`;
  return `${Math.max(1, Math.round(perSecond * 3600))}/h`;
}

const pad = (/** @type {number} */ n, width = 2) => String(n).padStart(width, "0");

/** time: 2026-01-31 14:05:09.123, in the zone of the browser. */
export function time(/** @type {number | undefined} */ ms) {
  if (ms == null) return "–";
  const d = new Date(ms);
  if (Number.isNaN(d.getTime())) return `${ms} ms`;
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(ms)}`;
}

/**
 * parseTime reads a time as ISO 8601 has it: 2026-01-31, 2026-01-31 14:05, 2026-01-31T14:05:09.5Z,
 * with +02:00 too. Without an offset it is in the zone of the browser. What is none is NaN.
 */
export function parseTime(/** @type {string} */ text) {
  const part = /^\s*(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,3})\d*)?)?\s*(?:(Z)|([+-])(\d\d):?(\d\d)?)?)?\s*$/i.exec(text);
  if (!part) return NaN;
  const [year, month, day, hour, min, sec] = part.slice(1, 7).map((n) => Number(n ?? 0)), [ms, utc, sign, hours, mins] = part.slice(7);
  const d = new Date(0), fields = /** @type {const} */ ([year, month - 1, day]), clock = /** @type {const} */ ([hour, min, sec, Number((ms ?? "0").padEnd(3, "0"))]);
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate() || hour > 23 || min > 59 || sec > 59) return NaN;
  if (!utc && !sign) {
    d.setFullYear(...fields);
    return d.setHours(...clock);
  }
  d.setUTCFullYear(...fields);
  return d.setUTCHours(...clock) - (sign === "-" ? -1 : 1) * 60_000 * (60 * Number(hours ?? 0) + Number(mins ?? 0));
}

/** zone is that of the browser at a time: Europe/Berlin (UTC+01:00). */
export function zone(/** @type {number} */ at = Date.now()) {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone, east = -new Date(at).getTimezoneOffset() || 0;
  const offset = `UTC${east ? `${east < 0 ? "\u2212" : "+"}${pad(Math.floor(Math.abs(east) / 60))}:${pad(Math.abs(east) % 60)}` : ""}`;
  return !name || name === "UTC" ? offset : `${name} (${offset})`;
}

/** clock: 14:05:09.123. */
export function clock(/** @type {number} */ ms) {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}.${pad(d.getMilliseconds(), 3)}`;
}

/** cut shortens a text to most characters and never splits a pair of UTF-16. */
export function cut(/** @type {string} */ text, most = 200) {
  if (text.length <= most) return text;
  const end = text.charCodeAt(most - 1) >>> 10 === 0x36 ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}

/** brief is a value in one line. It does not write out more of a large value than it needs. */
export function brief(/** @type {any} */ value, most = 200) {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return cut(JSON.stringify(cut(value, most)), most);
  let out = "";
  const add = (/** @type {any} */ v) => {
    if (out.length > most) return;
    if (Array.isArray(v)) {
      out += "[";
      for (let i = 0; i < v.length && out.length <= most; i++) { if (i) out += ", "; add(v[i]); }
      out += "]";
    } else if (v && typeof v === "object") {
      out += "{";
      let i = 0;
      for (const name in v) { if (out.length > most) break; if (i++) out += ", "; out += `${cut(name, most)}: `; add(v[name]); }
      out += "}";
    } else out += typeof v === "string" ? JSON.stringify(cut(v, most)) : String(v);
  };
  add(value);
  return cut(out, most);
}
