// Puts what is known into the document.
import { nameOf, within } from "./model.js";
import { draw } from "./plot.js";

// A value that rounds to nothing has no sign.
const fixed = (v, digits) => v.toFixed(digits).replace(/^-(?=[0.]*$)/, "");
const celsius = (v, digits = 1) => `${fixed(v, digits).replace("-", "−")} °C`;
const signed = (v) => (Number(v.toFixed(1)) > 0 ? "+" : "") + celsius(v);
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const hour = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const moment = (at, daily) => (daily ? day : hour).format(at);
const byId = (id) => document.getElementById(id);

export class View {
  #cards = new Map();
  #about = {};
  tolerance = 2;

  connection(state) {
    document.body.dataset.connection = state;
    byId("connection-text").textContent = { up: "Connected", lost: "Connection lost, trying again…" }[state] ?? "Connecting…";
  }

  notice(text) {
    byId("notice").textContent = text;
  }

  about(about) {
    this.#about = Object.fromEntries((about.cities ?? []).map((c) => [c.city, c]));
    document.body.dataset.phase = about.phase;
    byId("phase").textContent = {
      producing: about.pace_ms > 0 ? `Playing recorded data: one step every ${about.pace_ms / 1000} s.` : "Playing recorded data at full speed.",
      ended: "The recorded data has come to its end. What you see is history.",
      stopped: "Stopped after the steps it was told. What you see is history.",
      history: "Nothing new is produced. What you see is history.",
    }[about.phase] ?? "";
    byId("origins").replaceChildren(...(about.origins ?? []).map(origin));
    for (const c of about.cities ?? []) this.#card(c.city);
  }

  temperature(city, t) {
    if (!Number.isFinite(t?.celsius)) return;
    const card = this.#card(city);
    card.dataset.temperatureAt = t.valid_at;
    card.querySelector(".now").hidden = false;
    this.#set(card, "temperature", celsius(t.celsius));
  }

  city(city, history) {
    const card = this.#card(city);
    const last = history.latest();
    const scores = history.scores(this.tolerance);
    const daily = this.#about[city]?.daily ?? false;
    this.#set(card, "tolerance", `±${this.tolerance} °C`);
    draw(card.querySelector("svg"), history, this.tolerance);
    if (!last) return;
    card.dataset.state = "filled";
    card.dataset.rows = scores.count;
    card.dataset.validAt = last.valid_at;
    card.dataset.within = within(last, this.tolerance);
    this.#set(card, "forecast", celsius(last.forecast_celsius));
    this.#set(card, "actual", celsius(last.actual_celsius));
    this.#set(card, "error", signed(last.error_celsius));
    this.#set(card, "when", `For ${moment(last.valid, daily)}${daily ? "" : " UTC"}, forecast ${last.lead_hours} h before`);
    this.#set(card, "share", `${Math.round(scores.share * 100)} %`);
    this.#set(card, "mae", celsius(scores.mae, 2));
    this.#set(card, "count", String(scores.count));
    this.#set(card, "from", day.format(history.rows[0].valid));
    this.#set(card, "to", day.format(last.valid));
  }

  // card returns that of a city, and makes it in its place by name.
  #card(city) {
    let card = this.#cards.get(city);
    if (!card) {
      card = byId("card").content.firstElementChild.cloneNode(true);
      card.dataset.city = city;
      this.#cards.set(city, card);
      const after = [...byId("panel").children].find((c) => c.dataset.city > city);
      byId("panel").insertBefore(card, after ?? null);
    }
    const known = this.#about[city];
    const name = known?.name ?? nameOf(city);
    if (card.querySelector("h3").textContent !== name) card.querySelector("h3").textContent = name;
    if (known) this.#set(card, "method", known.method);
    return card;
  }

  #set(card, field, text) {
    const e = card.querySelector(`[data-field="${field}"]`);
    if (e.textContent !== text) e.textContent = text;
  }
}

// origin is one line about where data comes from, with the link it asks for.
function origin(o) {
  const line = document.createElement("li");
  line.append(`${o.text} ${o.licence}. `);
  if (o.url && /^https:\/\//.test(o.url)) {
    const link = document.createElement("a");
    link.href = o.url;
    link.textContent = o.link_text;
    line.append(link);
  }
  return line;
}
