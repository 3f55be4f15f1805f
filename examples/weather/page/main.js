// The page: filled from history, kept current by subscriptions.
import { Connection } from "./aimx.js";
import { day, largest, spanOf, ticks } from "./axis.js";
import { Choice } from "./choice.js";
import { cityOf } from "./model.js";
import { series } from "./score.js";
import { status } from "./status.js";
import { Store } from "./store.js";
import { View } from "./view.js";

const view = new View();
const store = new Store(async (name, limit) => (await connection.call("record.query", { name, limit })).records);
const state = { connection: "connecting", phase: "", pace: 0, filled: false, heard: Date.now() };
const about = new Map(); // city → its entry in hub.about
const dirty = new Set(); // cities with new rows since the last frame
let drawn = ""; // the axes of the last frame
let waiting = false; // for a frame
let repair; // timer of mend
let seam = true; // no live validation has arrived on this connection

const choice = new Choice(document.getElementById("lead"), document.getElementById("days"), () => {
  redraw();
  deepen();
});

// tell updates the sentences about the state.
function tell() {
  // Until history has answered, the page shows what was drawn before.
  if (state.filled) state.any = [...store.cities.values()].some((h) => h.latest());
  view.status(status({ ...state, short: store.short, full: store.full, now: Date.now() }));
}

// newest records the write time and the valid time of a value.
function newest(written, valid) {
  if (Number.isNaN(valid)) return;
  state.written = Math.max(state.written ?? 0, written);
  state.valid = Math.max(state.valid ?? valid, valid);
}

// redraw draws a city, or all cities, in the next frame.
function redraw(city) {
  if (city) dirty.add(city);
  else drawn = "";
  // Scores of the first live row alone would be 0 % or 100 %.
  if (waiting || !state.filled) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
    tell();
  });
}

function draw() {
  const cities = offer();
  const lead = choice.lead;
  const rows = new Map([...cities].map((city) => [city, store.of(city).of(lead)]));
  const span = spanOf([...rows.values()], choice.days);
  const shown = new Map([...rows].map(([city, all]) => [city, series(store.of(city), all, span)]));
  const axes = span && { span, ...scales([...shown.values()]) };
  const all = JSON.stringify([axes, lead]) !== drawn;
  for (const city of cities) if (all || dirty.has(city)) view.city(city, { ...shown.get(city), axes, lead, other: leadsOf(city) });
  drawn = JSON.stringify([axes, lead]);
  dirty.clear();
}

// scales are the ticks of the errors and of the mean absolute errors.
function scales(shown) {
  const errors = Math.max(largest(shown.map((s) => s.rows), (v) => v.error_celsius), (view.tolerance ?? 0) * 1.25, 1);
  const means = Math.max(largest(shown.flatMap((s) => [s.mae, s.baselineMAE]), (m) => m.mean), 1);
  return { errors: ticks(errors, 3), means: ticks(means, 2) };
}

// offer updates what can be chosen and returns the cities.
function offer() {
  const cities = new Set([...about.keys(), ...store.cities.keys()]);
  choice.offer(new Set([...cities].flatMap(leadsOf)), state.daily);
  return cities;
}

const leadsOf = (city) => [...new Set([...(about.get(city)?.leads ?? []), ...store.of(city).leads])].sort((a, b) => a - b);

// fill reads the newest validations, and older ones for the chosen range.
async function fill() {
  try {
    const records = await store.refresh();
    for (const { payload, ts } of records) newest(ts, Date.parse(payload?.valid_at));
    state.error = undefined;
    document.body.dataset.filled = Number(document.body.dataset.filled ?? 0) + 1;
  } catch (err) {
    if (state.connection !== "up") return; // the next connection fills
    state.error = err.message;
  }
  state.filled = true;
  redraw();
  deepen();
}

async function deepen() {
  offer();
  try {
    // The baseline of the first day needs the day before.
    await store.reach(state.valid - (choice.days + 1) * day, redraw);
  } catch (err) {
    if (state.connection === "up") state.error = err.message;
  }
  tell();
}

// mend reads the newest rows again after two seconds. A value that was written
// before the subscription and stored after the query is in neither, and a slow
// client loses events.
function mend() {
  repair ??= setTimeout(() => {
    repair = undefined;
    fill();
  }, 2000);
}

const connection = new Connection(new URL("ws?v=3.0", location.href.replace(/^http/, "ws")), ["accuracy::*", "temp::*", "hub.*"], {
  state(name) {
    state.connection = name;
    state.heard = Date.now();
    view.connection(name);
    tell();
  },
  up() {
    seam = true;
    state.filled = false; // the drawing stays until history has answered
    store.restart();
    fill();
  },
  value(topic, data, live) {
    if (live) {
      state.heard = Date.now();
      newest(state.heard, Date.parse(data?.valid_at)); // hub.* has no valid_at
    }
    if (topic === "hub.about") showAbout(data);
    else if (topic === "hub.settings") view.tolerance = data.tolerance_celsius;
    else if (topic.startsWith("temp::")) return view.temperature(cityOf(topic), data);
    else return validated(cityOf(topic), data, live);
    redraw();
    tell();
  },
  gap(topic, lost) {
    if (!topic.startsWith("accuracy")) return;
    store.miss(lost);
    mend();
  },
});

function showAbout(data) {
  about.clear();
  for (const c of data.cities ?? []) about.set(c.city, c);
  Object.assign(state, { phase: data.phase, pace: data.pace_ms, daily: data.cities?.every((c) => c.daily), heard: Date.now() });
  view.about(data);
  if (state.filled) deepen(); // the range that is shown at first depends on it
}

function validated(city, validation, live) {
  if (!store.arrive(city, validation)) return;
  redraw(city);
  if (live && seam) {
    seam = false;
    mend();
  }
}

setInterval(tell, 1000); // a silence causes no event
