// The page: filled from history by one query, kept current by subscriptions.
import { Connection } from "./aimx.js";
import { History, cityOf, keep } from "./model.js";
import { View } from "./view.js";

const view = new View();
const cities = new Map(); // city → History
const dirty = new Set(); // cities to draw in the next frame
let filled = false; // history was asked once; a panel of one row would say 100 %
let repair; // timer of the query that closes the seam

const historyOf = (city) => {
  if (!cities.has(city)) cities.set(city, new History());
  return cities.get(city);
};

function redraw(city) {
  if (!dirty.size) {
    requestAnimationFrame(() => {
      for (const c of dirty) view.city(c, historyOf(c));
      dirty.clear();
    });
  }
  dirty.add(city);
}

const redrawAll = () => filled && cities.forEach((_, city) => redraw(city));

async function fill() {
  try {
    const { records } = await connection.call("record.query", { name: "accuracy::*", limit: keep });
    for (const [city, values] of group(records)) historyOf(city).add(values);
    view.notice(cities.size ? "" : "There is no history yet. The first row comes when the hour of a forecast arrives.");
    document.body.dataset.filled = Number(document.body.dataset.filled ?? 0) + 1;
  } catch (err) {
    // A lost connection fills again when it is back; anything else is told.
    if (document.body.dataset.connection === "up") view.notice(`The hub could not read its history (${err.message}). Live values go on; reload to try again.`);
  }
  filled = true;
  redrawAll();
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

let seam = true; // nothing live came on this connection yet

const connection = new Connection(new URL("ws?v=3.0", location.href.replace(/^http/, "ws")), ["accuracy::*", "temp::*", "hub.*"], {
  state: (name) => view.connection(name),
  up() {
    seam = true;
    fill();
  },
  value(topic, data, live) {
    if (topic === "hub.about") {
      view.about(data);
      redrawAll();
    } else if (topic === "hub.settings") {
      view.tolerance = data.tolerance_celsius;
      redrawAll();
    } else if (topic.startsWith("temp::")) {
      view.temperature(cityOf(topic), data);
    } else if (topic.startsWith("accuracy::")) {
      if (!historyOf(cityOf(topic)).add([data])) return;
      if (filled) {
        redraw(cityOf(topic));
        view.notice("");
      }
      if (live && seam) {
        seam = false;
        mend();
      }
    }
  },
  gap: (topic) => topic.startsWith("accuracy") && mend(),
});

addEventListener("resize", redrawAll);
