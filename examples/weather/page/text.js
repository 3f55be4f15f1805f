// How numbers and times are written.

// A value that rounds to zero has no sign.
const fixed = (v, digits) => v.toFixed(digits).replace(/^-(?=[0.]*$)/, "");
export const celsius = (v, digits = 1) => `${fixed(v, digits).replace("-", "−")}\u00a0°C`; // the unit stays on the line
export const signed = (v) => (Number(v.toFixed(1)) > 0 ? "+" : "") + celsius(v);
export const count = (n) => n.toLocaleString("en-GB");

const date = { day: "numeric", month: "short", year: "numeric" };
const time = { hour: "2-digit", minute: "2-digit" };
const utc = (options) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
const utcDay = utc(date);
const utcTime = utc({ ...date, ...time });
const localTime = new Intl.DateTimeFormat("en-GB", { ...date, ...time, second: "2-digit", timeZoneName: "short" });

// day and moment write times of the data in UTC, clock a time in the time zone
// of the browser.
export const day = (at) => utcDay.format(at);
export const moment = (at, daily) => (daily ? day(at) : `${utcTime.format(at)} UTC`);
export const clock = (at) => localTime.format(at);

// calendar writes a round time of the data with the precision of its unit.
const calendars = {
  hour: utc({ day: "numeric", month: "short", ...time }),
  day: utc({ day: "numeric", month: "short" }),
  month: utc({ month: "short", year: "numeric" }),
  year: utc({ year: "numeric" }),
};
export const calendar = (at, unit) => calendars[unit].format(at);

// nameOf turns new_york into New York, for a city without a name in hub.about.
export const nameOf = (city) => city.split(/[_-]/).filter(Boolean).map((w) => w[0].toUpperCase() + w.slice(1)).join(" ");
