// @ts-check
import { h, hrefOf, text } from "../lib/dom.js";
import { count, duration, number } from "../lib/format.js";
import { fill, listing, perSecond, s, section } from "../lib/parts.js";
import { layers } from "../lib/layers.js";
import { poll } from "../lib/poll.js";

export const title = "Stages";
export const purpose = "Which record is made from which, how fast values go through, and where some are lost.";

const most = 300; // records drawn
const [wide, high, gapX, gapY, edge] = [200, 58, 56, 16, 8];
const kinds = { spmc_ring: "ring", single_latest: "latest", mailbox: "mailbox", none: "no buffer" };
const origins = { source: "source", passive: "set from outside", link: "link", transform: "transform", transform_join: "join" };
const originOf = (o) => origins[typeof o === "string" ? o : Object.keys(o)[0]] ?? String(o);
const clip = (text, n) => (text.length > n ? `${text.slice(0, n - 1)}…` : text);

export function mount(root, { db }) {
  const drawing = h("div"), table = h("div"), filter = h("input", { id: "graph-filter", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "all" });
  let shape = "", nodes = new Map(), before;

  const read = async () => {
    const [graph, edges, order, records] = await Promise.all([db.call("graph.nodes"), db.call("graph.edges"), db.call("graph.topo_order"), db.call("record.list")]);
    return { graph, edges, order, records, time: performance.now() };
  };

  function show(now) {
    const links = now.edges.filter((e) => e.from != null && e.to != null);
    const part = filter.value.trim().toLowerCase();
    let wanted = new Set(links.flatMap((e) => [e.from, e.to]));
    const alone = now.order.length - wanted.size;
    const matches = (key) => key.toLowerCase().includes(part);
    if (part) wanted = new Set([...[...wanted].filter(matches), ...links.filter((e) => matches(e.from) || matches(e.to)).flatMap((e) => [e.from, e.to])]);
    const keys = now.order.filter((key) => wanted.has(key)).slice(0, most);
    const info = new Map(now.records.map((r) => [r.record_key, r]));
    const past = new Map((before?.records ?? []).map((r) => [r.record_key, r]));
    const seconds = before ? (now.time - before.time) / 1000 : 0;
    const rateOf = (key) => (past.has(key) && seconds > 0 ? Math.max(0, info.get(key).produced_count - past.get(key).produced_count) / seconds : undefined);
    const skippedOf = (r) => (r.drops ?? []).reduce((n, d) => n + d.count, 0);
    const missing = (r) => (r.lost_count ? `${number(r.lost_count)} lost` : skippedOf(r) ? `${number(skippedOf(r))} skipped` : "");
    const wantedShape = JSON.stringify([keys, links.filter((e) => wanted.has(e.from)), now.graph.length, alone]);
    if (shape !== wantedShape) {
      shape = wantedShape;
      draw(keys, links, new Map(now.graph.map((n) => [n.key, n])), wanted.size - keys.length, alone, now.order.length);
    }
    for (const [key, parts] of nodes) {
      const r = info.get(key);
      if (!r) continue;
      const lost = missing(r), speed = perSecond(rateOf(key));
      text(parts.rate, speed === "–" ? count(r.produced_count, "value") : `${speed}, ${count(r.produced_count, "value")}`);
      text(parts.lost, lost);
      parts.group.classList.toggle("bad", Boolean(r.lost_count));
    }
    const listed = now.order.filter((key) => info.has(key) && (!part || key.toLowerCase().includes(part)));
    fill(table, listing("Stages", [["Record"], ["Made by", "short"], ["From"], ["Rate", "n"], ["Values", "n"], ["Lost", "n"], ["Skipped", "n"], ["Readers", "n"], ["Calls", "n"], ["Time of a call", "n"]],
      listed.slice(0, most).map((key) => {
        const r = info.get(key), stages = r.stage_profiling ?? [];
        const calls = stages.reduce((n, x) => n + x.call_count, 0), total = stages.reduce((n, x) => n + x.total_time_ns, 0);
        return [h("a", { href: hrefOf(key) }, key), originOf(r.origin), (r.inbound_keys ?? []).join(", ") || "–", perSecond(rateOf(key)), number(r.produced_count), number(r.lost_count ?? 0), number(skippedOf(r)), number(r.consumer_count),
          calls ? number(calls) : "–", calls ? (total / calls < 1e6 ? (total / calls < 1000 ? "<1 µs" : `${number(Math.round(total / calls / 1000))} µs`) : duration(total / calls / 1e6)) : "–"];
      }), part ? "No record matches." : "This database has no records yet."),
      listed.length > most && h("p", { class: "state" }, `${number(listed.length - most)} more records: filter by a part of their key.`));
    before = now;
  }

  function draw(keys, links, byKey, more, alone, all) {
    nodes = new Map();
    const some = new Set(keys);
    const shown = links.filter((e) => some.has(e.from) && some.has(e.to));
    const rest = alone > 0 ? `${number(alone)} of ${number(all)} records are made from no other one and feed none: they are in the table only.` : "";
    if (keys.length === 0) {
      fill(drawing, h("p", { class: "state" }, all ? rest || "No record matches." : "This database has no records yet."));
      return;
    }
    const { places, via } = layers(keys, shown);
    const left = (place) => edge + place.layer * (wide + gapX), top = (place) => edge + place.row * (high + gapY);
    const x = (key) => left(places.get(key)), y = (key) => top(places.get(key));
    const between = shown.flatMap(via);
    const width = Math.max(...keys.map(x)) + wide + edge, height = Math.max(...keys.map(y), ...between.map(top)) + high + edge;
    const paths = shown.map((e) => {
      let x1 = x(e.from) + wide, y1 = y(e.from) + high / 2, d = `M${x1},${y1}`;
      for (const [x2, y2, end] of [...via(e).map((p) => [left(p), top(p) + high / 2, left(p) + wide]), [x(e.to) - 2, y(e.to) + high / 2]]) {
        const bend = Math.max(24, (x2 - x1) / 2);
        d += ` C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
        if (end) d += ` H${end}`;
        [x1, y1] = [end ?? x2, y2];
      }
      return s("path", { class: "edge", d, "marker-end": "url(#arrow)" });
    });
    const groups = keys.map((key) => node(key, byKey.get(key), x(key), y(key), shown));
    const svg = s("svg", { class: "graph", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Records and what they are made from" },
      s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" }, s("path", { d: "M0,0 L8,4 L0,8 z" }))), ...paths, ...groups);
    fill(drawing, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Drawing of the graph" }, svg),
      rest && h("p", { class: "state" }, rest), more > 0 && h("p", { class: "state" }, `${number(more)} more records are not drawn: filter by a part of their key.`));
  }

  function node(key, n, left, top, shown) {
    const made = originOf(n?.origin ?? "source"), kept = kinds[n?.buffer_type] ?? n?.buffer_type;
    const what = `${made}, ${kept}${n?.buffer_capacity ? ` of ${number(n.buffer_capacity)}` : ""}`;
    const parts = { rate: s("text", { x: 12, y: 50, class: "small" }), lost: s("text", { x: wide - 10, y: 50, class: "small lost" }) };
    // Arrow keys go along the edges, up and down to the next record of the same column.
    const step = (event) => {
      const go = { ArrowRight: () => shown.find((e) => e.from === key)?.to, ArrowLeft: () => shown.find((e) => e.to === key)?.from,
        ArrowDown: () => neighbour(key, 1), ArrowUp: () => neighbour(key, -1) }[event.key];
      if (!go) return;
      event.preventDefault();
      nodes.get(go())?.group.focus();
    };
    const group = s("a", { class: "node", href: hrefOf(key), transform: `translate(${left},${top})`, onkeydown: step },
      s("rect", { width: wide, height: high, rx: 6 }, key.length > 22 && s("title", {}, key)), s("text", { x: 12, y: 20, class: "key" }, clip(key, 22)),
      s("text", { x: 12, y: 35, class: "small" }, clip(what, 31)), parts.rate, parts.lost);
    nodes.set(key, { ...parts, group, left, top });
    return group;
  }
  function neighbour(key, way) {
    const at = nodes.get(key);
    const column = [...nodes].filter(([, n]) => n.left === at.left && (n.top - at.top) * way > 0).sort((a, b) => (a[1].top - b[1].top) * way);
    return column[0]?.[0];
  }

  const polled = poll(read, show, 2000);
  filter.addEventListener("input", () => before && show({ ...before, time: performance.now() }));
  root.append(
    h("div", { class: "tools" }, h("label", {}, "Key contains", filter), polled.note), section("Drawing", drawing), section("Stages", table));
  return polled.stop;
}
