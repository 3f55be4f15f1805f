// The page: filled from history by one query, kept current by subscriptions.
import { Connection } from "./aimx.js";
import { History, cityOf, keep } from "./model.js";
import { status } from "./status.js";
import { View } from "./view.js";

const view = new View();
const cities = new Map(); // city → History
const dirty = new Set(); // cities to draw in the next frame
const state = { connection: "connecting", phase: "", pace: 0, filled: false, heard: Date.now() };
let repair; // timer of the query that closes the seam
let seam = true; // nothing live came on this connection yet

const historyOf = (city) => {
  if (!cities.has(city)) cities.set(city, new History());
  return cities.get(city);
};

// tell writes the sentences that are true now.
function tell() {
  const any = [...cities.values()].some((h) => h.latest());
  view.status(status({ ...state, any, now: Date.now() }));
}

// newest notes that there is a value for a time of the data, written at a time.
function newest(written, valid) {
  if (Number.isNaN(valid)) return;
  state.written = Math.max(state.written ?? 0, written);
  state.valid = Math.max(state.valid ?? valid, valid);
}

function redraw(city) {
  if (!dirty.size) {
    requestAnimationFrame(() => {
      for (const c of dirty) view.city(c, historyOf(c));
      dirty.clear();
      tell();
    });
  }
  dirty.add(city);
}

// A panel of the one row that came first would say 100 %.
const redrawAll = () => state.filled && cities.forEach((_, city) => redraw(city));

async function fill() {
  try {
    const { records } = await connection.call("record.query", { name: "accuracy::*", limit: keep });
    for (const [city, values] of group(records)) historyOf(city).add(values);
    for (const { payload, ts } of records) newest(ts, Date.parse(payload?.valid_at));
    state.error = undefined;
    document.body.dataset.filled = Number(document.body.dataset.filled ?? 0) + 1;
  } catch (err) {
    if (state.connection !== "up") return; // asked again once it is
    state.error = err.message;
  }
  state.filled = true;
  redrawAll();
  tell();
}

const group = (records) => {
  const out = new Map();
  for (const { topic, payload } of records) {
    const city = cityOf(topic);
    if (!out.has(city)) out.set(city, []);
    out.get(city).push(payload);
  }
  return out;
};

// mend asks history once more, a little later: a value can have been written
// before the subscription began and stored after the query was answered, and
// events can be lost on the way to a slow visitor.
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
    fill();
  },
  value(topic, data, live) {
    if (live) {
      state.heard = Date.now();
      newest(Date.now(), Date.parse(data?.valid_at)); // hub.* has no valid_at
    }
    if (topic === "hub.about") {
      Object.assign(state, { phase: data.phase, pace: data.pace_ms, daily: data.cities?.every((c) => c.daily), heard: Date.now() });
      view.about(data);
      redrawAll();
      tell();
    } else if (topic === "hub.settings") {
      view.tolerance = data.tolerance_celsius;
      redrawAll();
    } else if (topic.startsWith("temp::")) {
      view.temperature(cityOf(topic), data);
    } else if (topic.startsWith("accuracy::")) {
      if (!historyOf(cityOf(topic)).add([data])) return;
      if (state.filled) redraw(cityOf(topic));
      if (live && seam) {
        seam = false;
        mend();
      }
    }
  },
  gap: (topic) => topic.startsWith("accuracy") && mend(),
});

addEventListener("resize", redrawAll);
setInterval(tell, 1000); // silence is no event
