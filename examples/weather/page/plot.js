// The error over time of one city, as SVG.
import { within } from "./model.js";

const space = "http://www.w3.org/2000/svg";
const height = 120;
const parts = 40; // of the mean line
const edge = 4; // room for the points at the border

const element = (name, attributes, text) => {
  const e = document.createElementNS(space, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

// limit is the greatest error the axis shows: a round number, never less than
// a little more than the tolerance, so that quiet data looks quiet.
export const limit = (errors, tolerance) => Math.ceil(Math.max(tolerance * 1.25, 1, ...errors.map(Math.abs)));

export function draw(svg, history, tolerance) {
  const rows = history.rows;
  const width = Math.max(200, svg.clientWidth || 320);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const most = limit(rows.map((v) => v.error_celsius), tolerance);
  const first = rows[0]?.valid ?? 0;
  const span = (rows.at(-1)?.valid ?? 1) - first || 1;
  const x = (at) => (edge + ((at - first) / span) * (width - 2 * edge)).toFixed(1);
  const y = (error) => (height / 2 - (error / most) * (height / 2 - edge)).toFixed(1);
  const dots = (inside) => rows.filter((v) => within(v, tolerance) === inside).map((v) => `M${x(v.valid)} ${y(v.error_celsius)}h0`).join("");
  const line = history.means(parts).map(({ valid, mean }, i) => `${i ? "L" : "M"}${x(valid)} ${y(mean)}`).join("");
  const top = y(Math.min(tolerance, most));
  svg.replaceChildren(
    element("title", {}, summary(history, most, tolerance)),
    element("rect", { class: "band", x: 0, width, y: top, height: height - 2 * top }),
    element("line", { class: "zero", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    element("path", { class: "points inside", d: dots(true) }),
    element("path", { class: "points outside", d: dots(false) }),
    element("path", { class: "mean", d: line }),
    element("text", { x: 1, y: 11 }, `+${most} °C`),
    element("text", { x: 1, y: height - 3 }, `−${most} °C`),
  );
}

// summary says in words what the plot shows.
function summary(history, most, tolerance) {
  const s = history.scores(tolerance);
  if (!s) return "No errors to plot yet.";
  return `Error of ${s.count} forecasts over time, between ${-most} and ${most} °C; mean absolute error ${s.mae.toFixed(2)} °C.`;
}
