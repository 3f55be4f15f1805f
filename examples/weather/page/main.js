// The page: filled from history, kept current by subscriptions.
import { connect } from "./aimx.js";
import { day, largest, spanOf, ticks } from "./axis.js";
import { Choice } from "./choice.js";
import { cityOf } from "./model.js";
import { series } from "./score.js";
import { status } from "./status.js";
import { Store } from "./store.js";
import { View } from "./view.js";

const view = new View();
const db = connect();
const store = new Store(async (name, limit) => (await db.query(name, { limit })).rows);
const state = { connection: "connecting", phase: "", pace: 0, filled: false, heard: Date.now() };
const about = new Map(); // city → its entry in hub.about
const dirty = new Set(); // cities with new rows since the last frame
let drawn = ""; // the axes of the last frame
let waiting = false; // for a frame
let following = false; // the validations are subscribed to, or will be when history has answered
const few = 500; // rows, of which all can be read once more

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

// newest records the valid time of a value, under which history has it.
function newest(valid) {
  if (Number.isNaN(valid)) return;
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

// fill reads the newest validations, and follows them from a time on at which it has those of
// all cities, so that none is missing in between.
async function fill() {
  following = true;
  state.filled = false;
  try {
    const rows = await store.refresh();
    for (const { value } of rows) newest(Date.parse(value?.valid_at));
    state.error = undefined;
    document.body.dataset.filled = Number(document.body.dataset.filled ?? 0) + 1;
    follow(rows.length < few ? 0 : everyNewest(rows));
  } catch (err) {
    following = state.connection === "up";
    if (following) watch(err); // else the next connection fills
  }
}

// everyNewest is the time of the newest row of the city that has the oldest one. The times are
// those of the data, and one city may be stored days of them after another.
const everyNewest = (rows) => Math.min(...new Map(rows.map(({ record, time }) => [record, time])).values());

// follow subscribes to the validations from a time on. The subscription continues by
// itself after a cut.
function follow(from) {
  const feed = db.subscribe("accuracy::*", {
    from,
    onValue: validated,
    onCaughtUp: filled,
    onLoss({ reason }) {
      if (!reason) return; // values that are nowhere
      feed.close(); // the log does not reach back: there can be a hole, or another hub
      fill();
    },
    onState(name, err) {
      if (name === "open") state.filled = false; // the drawing stays until all is there
      if (err && name === "closed") watch(err);
    },
  });
}

// watch subscribes to live validations, as history cannot be read.
function watch(err) {
  state.error = err.message;
  db.subscribe("accuracy::*", { onValue: validated });
  filled();
}

function filled() {
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

db.subscribe("hub.*", {
  onState(name) {
    state.connection = name === "open" ? "up" : "lost";
    state.heard = Date.now();
    view.connection(state.connection);
    tell();
    if (name === "open" && !following) fill();
  },
  onValue(data, { record, live }) {
    if (live) state.heard = Date.now();
    if (record === "hub.about") showAbout(data);
    else if (record === "hub.settings") view.tolerance = data.tolerance_celsius;
    redraw();
    tell();
  },
});

db.subscribe("temp::*", {
  onValue(temperature, { record, live }) {
    if (live) heard(temperature, Date.now());
    view.temperature(cityOf(record), temperature);
  },
});

function showAbout(data) {
  about.clear();
  for (const c of data.cities ?? []) about.set(c.city, c);
  Object.assign(state, { phase: data.phase, pace: data.pace_ms, daily: data.cities?.every((c) => c.daily), heard: Date.now() });
  view.about(data);
  if (state.filled) deepen(); // the range that is shown at first depends on it
}

function validated(validation, { record, live }) {
  if (live) heard(validation);
  const city = cityOf(record);
  if (store.of(city).add([validation])) redraw(city);
}

// heard records when a live value came, and its valid time.
function heard(value) {
  state.heard = Date.now();
  newest(Date.parse(value?.valid_at));
}

setInterval(tell, 1000); // a silence causes no event
