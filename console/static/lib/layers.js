// @ts-check
// A layered layout of a graph: each node stands to the right of what it is made from.

const farthest = 6, most = 300; // layers that an edge keeps clear, and places for that

/**
 * layers returns the place of each key: its layer and its row there. An edge over several
 * layers has a place of its own in each layer between: via returns those.
 * @param {string[]} keys inputs before what is made from them
 * @param {{from: string, to: string}[]} edges
 * @returns {{places: Map<any, {layer: number, row: number}>, via: (edge: any) => {layer: number, row: number}[]}}
 */
export function layers(keys, edges) {
  const inputs = new Map(), outputs = new Map(), places = new Map(), columns = /** @type {any[][]} */ ([]), passed = new Map();
  const add = (/** @type {Map<any, any[]>} */ map, key, one) => { const had = map.get(key); if (had) had.push(one); else map.set(key, [one]); };
  const link = (from, to) => { add(inputs, to, from); add(outputs, from, to); };
  const place = (key, layer) => {
    columns[layer] ??= [];
    places.set(key, { layer, row: columns[layer].length });
    columns[layer].push(key);
  };
  const made = new Map(keys.map((k) => [k, /** @type {string[]} */ ([])]));
  for (const { from, to } of edges) made.get(to)?.push(from);
  for (const key of keys) place(key, Math.max(-1, ...made.get(key).map((k) => places.get(k)?.layer ?? -1)) + 1);
  let used = 0;
  for (const edge of edges) {
    const [a, b] = [places.get(edge.from)?.layer, places.get(edge.to)?.layer], between = [];
    if (b - a <= farthest && used + b - a < most) for (let layer = a + 1; layer < b; layer++) between.push({ layer });
    used += between.length;
    passed.set(edge, between);
    let last = edge.from;
    for (const one of [...between, edge.to]) { if (one !== edge.to) place(one, one.layer); link(last, one); last = one; }
  }
  // A few passes move each node to the middle of its neighbours, which removes crossings.
  for (let pass = 0; pass < 6; pass++) {
    const forth = pass % 2 === 0;
    for (const column of forth ? columns : [...columns].reverse()) {
      const middle = new Map(column.map((key) => {
        const near = ((forth ? inputs : outputs).get(key) ?? []).map((k) => places.get(k)?.row).filter((r) => r != null);
        return [key, near.length ? near.reduce((a, b) => a + b, 0) / near.length : places.get(key).row];
      }));
      column.sort((a, b) => middle.get(a) - middle.get(b) || places.get(a).row - places.get(b).row);
      column.forEach((key, row) => { places.get(key).row = row; });
    }
  }
  return { places, via: (edge) => (passed.get(edge) ?? []).map((p) => places.get(p)) };
}
