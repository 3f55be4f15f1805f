// @ts-check
// A layered layout of a graph: each node stands to the right of what it is made from.

/**
 * layers returns the place of each key: its layer and its row there.
 * @param {string[]} keys inputs before what is made from them
 * @param {{from: string, to: string}[]} edges
 * @returns {Map<string, {layer: number, row: number}>}
 */
export function layers(keys, edges) {
  const inputs = new Map(keys.map((k) => [k, /** @type {string[]} */ ([])])), outputs = new Map(keys.map((k) => [k, /** @type {string[]} */ ([])]));
  for (const { from, to } of edges) {
    inputs.get(to)?.push(from);
    outputs.get(from)?.push(to);
  }
  const places = new Map();
  const columns = [];
  for (const key of keys) {
    const layer = Math.max(-1, ...inputs.get(key).map((k) => places.get(k)?.layer ?? -1)) + 1;
    columns[layer] ??= [];
    places.set(key, { layer, row: columns[layer].length });
    columns[layer].push(key);
  }
  // A few passes move each node to the middle of its neighbours, which removes crossings.
  for (let pass = 0; pass < 6; pass++) {
    const forth = pass % 2 === 0;
    for (const column of forth ? columns : [...columns].reverse()) {
      const middle = new Map(column.map((key) => {
        const near = (forth ? inputs : outputs).get(key).map((k) => places.get(k)?.row).filter((r) => r != null);
        return [key, near.length ? near.reduce((a, b) => a + b, 0) / near.length : places.get(key).row];
      }));
      column.sort((a, b) => middle.get(a) - middle.get(b) || places.get(a).row - places.get(b).row);
      column.forEach((key, row) => { places.get(key).row = row; });
    }
  }
  return places;
}
