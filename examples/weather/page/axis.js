// Scales and ticks that all plots share. Nothing here touches the document.
import { calendar } from "./text.js";

export const hour = 3_600_000;
export const day = 24 * hour;
const monday = 4 * day; // the first one after 1970-01-01

// spanOf returns the time to show: so many days up to the newest row of any
// city, or all rows if days is Infinity.
export function spanOf(cities, days) {
  const ends = cities.filter((rows) => rows.length);
  if (!ends.length) return undefined;
  const to = Math.max(...ends.map((rows) => rows.at(-1).valid));
  return { from: Number.isFinite(days) ? to - days * day : Math.min(...ends.map((rows) => rows[0].valid)), to };
}

// ticks returns round numbers from 0 up to at least most, about count of them.
export function ticks(most, count) {
  const rough = most / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((f) => f * unit >= rough - 1e-9);
  const out = [];
  for (let i = 0; ; i++) {
    out.push(Number((i * step).toPrecision(6)));
    if (out.at(-1) >= most - 1e-9) return out;
  }
}

// largest returns the largest absolute value in any of the lists. The lists are
// too long for the arguments of Math.max.
export const largest = (lists, value) => lists.reduce((most, list) => list.reduce((m, v) => Math.max(m, Math.abs(value(v))), most), 0);

// timeTicks returns the round times of a span whose labels fit into a width,
// in ems.
export function timeTicks({ from, to }, width) {
  for (const [unit, step] of steps) {
    const found = rounds(unit, step, from, to, width / 2).map((at) => ({ at, text: calendar(at, unit) }));
    if (found.reduce((sum, { text }) => sum + 0.6 * text.length + 1.5, 0) <= width) return found;
  }
  return [];
}

const steps = [
  ["hour", 1], ["hour", 3], ["hour", 6], ["hour", 12], ["day", 1], ["day", 2], ["day", 7], ["day", 14],
  ["month", 1], ["month", 2], ["month", 3], ["month", 6], ["year", 1], ["year", 2], ["year", 5], ["year", 10],
];

// rounds returns the round times of a span, and stops once there are too many.
function rounds(unit, step, from, to, most) {
  const out = [];
  for (let t = floor(unit, step, from); t <= to && out.length <= most; t = next(unit, step, t)) if (t >= from) out.push(t);
  return out;
}

// floor returns the last round time up to a time.
function floor(unit, step, at) {
  const d = new Date(at);
  const year = d.getUTCFullYear();
  switch (unit) {
    case "hour": return Math.floor(at / (step * hour)) * step * hour;
    case "day": return Math.floor((at - monday) / (step * day)) * step * day + monday;
    case "month": return Date.UTC(year, d.getUTCMonth() - (d.getUTCMonth() % step));
    default: return Date.UTC(year - (year % step), 0);
  }
}

function next(unit, step, at) {
  const d = new Date(at);
  switch (unit) {
    case "hour": return at + step * hour;
    case "day": return at + step * day;
    case "month": return Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + step);
    default: return Date.UTC(d.getUTCFullYear() + step, 0);
  }
}
