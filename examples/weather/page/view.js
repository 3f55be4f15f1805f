// Writes the state of the page into the document.
import { isBaseline } from "./model.js";
import { Plot } from "./plot.js";
import { scores, verdict, within } from "./score.js";
import { celsius, count, day, moment, nameOf, signed } from "./text.js";

const byId = (id) => document.getElementById(id);

export class View {
  #cards = new Map();
  #plots = new Map();
  #about = {};
  tolerance; // in °C, unknown at first

  connection(state) {
    document.body.dataset.connection = state;
  }

  // status shows the sentences of status.js. It does not write an unchanged
  // sentence, because a screen reader would repeat it.
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

  // city shows rows of one lead time, with their baselines and lines, on the axes
  // that all cities share. other are the leads that the city has.
  city(city, { rows, based, axes, lead, other, ...lines }) {
    const card = this.#card(city);
    const last = rows.at(-1);
    const known = this.tolerance !== undefined;
    card.dataset.state = last ? "filled" : "empty";
    card.dataset.rows = rows.length;
    card.dataset.validAt = last?.valid_at ?? "";
    card.dataset.within = last && known ? within(last, this.tolerance) : "";
    this.#set(card, "forecast", last && celsius(last.forecast_celsius));
    this.#set(card, "actual", last && celsius(last.actual_celsius));
    this.#set(card, "error", last && signed(last.error_celsius));
    this.#set(card, "when", last ? `For ${this.#moment(city, last)}${known ? `: ${this.#verdict(last)}` : ""}` : absent(lead, other));
    this.#set(card, "tolerance", known ? `±${this.tolerance}\u00a0°C` : "tolerance");
    this.#scores(card, "", rows);
    this.#scores(card, "baseline-", based);
    card.dataset.baseline = last && isBaseline(last) ? "self" : "";
    this.#set(card, "verdict", !last ? "" : isBaseline(last) ? "This forecast is the baseline" : verdict(based));
    this.#set(card, "both", based.length && based.length < rows.length ? `, in the ${count(based.length)} validations that both have` : "");
    this.#set(card, "span", last ? `, ${day(rows[0].valid)} to ${day(last.valid)}` : "");
    const baselineOf = new Map(based.map((b) => [b.forecast, b]));
    const describe = (v) => this.#describe(city, v, baselineOf.get(v));
    this.#plots.get(city).show({ rows, ...lines, axes, tolerance: this.tolerance, describe });
  }

  // scores fills one column of the scores.
  #scores(card, column, rows) {
    const score = scores(rows, this.tolerance);
    const share = score && this.tolerance !== undefined;
    this.#set(card, `${column}share`, share ? `${Math.round(score.share * 100)}\u00a0%` : undefined);
    this.#set(card, `${column}mae`, score && celsius(score.mae, 2));
    this.#set(card, `${column}count`, count(rows.length));
  }

  #moment(city, v) {
    return moment(v.valid, this.#about[city]?.daily);
  }

  #verdict(v) {
    return `${within(v, this.tolerance) ? "within" : "outside"} ±${this.tolerance}\u00a0°C`;
  }

  // describe returns a row as lines of text.
  #describe(city, v, baseline) {
    return [
      this.#moment(city, v),
      `Forecast ${celsius(v.forecast_celsius)}, observed ${celsius(v.actual_celsius)}`,
      `Error ${signed(v.error_celsius)}${this.tolerance === undefined ? "" : `, ${this.#verdict(v)}`}`,
      ...(baseline ? [`Baseline ${celsius(v.actual_celsius + baseline.error_celsius)}, error ${signed(baseline.error_celsius)}`] : []),
    ];
  }

  // card returns the card of a city. A new card is inserted in order of the names.
  #card(city) {
    let card = this.#cards.get(city);
    if (!card) {
      card = byId("card").content.firstElementChild.cloneNode(true);
      card.dataset.city = city;
      this.#cards.set(city, card);
      this.#plots.set(city, new Plot(card.querySelector(".plot")));
      const after = [...byId("panel").children].find((c) => c.dataset.city > city);
      byId("panel").insertBefore(card, after ?? null);
    }
    const known = this.#about[city];
    const name = known?.name ?? nameOf(city);
    if (card.querySelector("h3").textContent !== name) {
      card.querySelector("h3").textContent = name;
      card.querySelector(".plot").setAttribute("aria-label", `Errors of the forecasts for ${name}`);
    }
    if (known) this.#set(card, "method", known.method);
    return card;
  }

  // set writes a field of a card, or a dash if there is nothing to write.
  #set(card, field, text) {
    const e = card.querySelector(`[data-field="${field}"]`);
    if (e.textContent !== (text ?? "–")) e.textContent = text ?? "–";
  }
}

// absent explains why a city has nothing to show.
function absent(lead, other) {
  if (!other.length || other.includes(lead)) return "No validation to show.";
  return `Not forecast ${lead} h ahead, but ${other.join(", ")} h.`;
}

// origin returns a line about the source of data, with the link of its licence.
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
