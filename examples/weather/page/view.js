// Puts what is known into the document.
import { within } from "./model.js";
import { draw } from "./plot.js";
import { celsius, day, moment, nameOf, signed } from "./text.js";

const byId = (id) => document.getElementById(id);

export class View {
  #cards = new Map();
  #about = {};
  tolerance = 2;

  connection(state) {
    document.body.dataset.connection = state;
  }

  // status shows the sentences of status.js. A sentence that stays is not
  // written again, or a screen reader would repeat it.
  status(sentences) {
    for (const [id, text] of Object.entries(sentences)) {
      if (byId(id).textContent !== text) byId(id).textContent = text;
    }
  }

  about(about) {
    this.#about = Object.fromEntries((about.cities ?? []).map((c) => [c.city, c]));
    document.body.dataset.phase = about.phase;
    byId("origins").replaceChildren(...(about.origins ?? []).map(origin));
    for (const c of about.cities ?? []) this.#card(c.city);
  }

  temperature(city, t) {
    if (!Number.isFinite(t?.celsius)) return;
    const card = this.#card(city);
    card.dataset.temperatureAt = t.valid_at;
    card.querySelector(".now").hidden = false;
    this.#set(card, "temperature", celsius(t.celsius));
    this.#set(card, "observed", moment(Date.parse(t.valid_at), this.#about[city]?.daily));
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
    this.#set(card, "when", `For ${moment(last.valid, daily)}, forecast ${last.lead_hours} h before`);
    this.#set(card, "share", `${Math.round(scores.share * 100)} %`);
    this.#set(card, "mae", celsius(scores.mae, 2));
    this.#set(card, "count", String(scores.count));
    this.#set(card, "from", day(history.rows[0].valid));
    this.#set(card, "to", day(last.valid));
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
  line.append(`${o.text} Licence: ${o.licence}. `);
  if (o.url && /^https:\/\//.test(o.url)) {
    const link = document.createElement("a");
    link.href = o.url;
    link.textContent = o.link_text;
    line.append(link);
  }
  return line;
}
