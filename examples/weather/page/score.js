// How good forecasts were. Nothing here touches the document.

// within says whether a validation is within a tolerance. The row's own
// within_tolerance does not: it used the tolerance at the time of the write.
export const within = (v, tolerance) => v.absolute_error <= tolerance;

const mean = (rows, value) => rows.reduce((sum, v) => sum + value(v), 0) / rows.length;

// scores returns undefined if there are no rows.
export function scores(rows, tolerance) {
  if (!rows.length) return undefined;
  return {
    count: rows.length,
    mae: mean(rows, (v) => v.absolute_error),
    share: rows.filter((v) => within(v, tolerance)).length / rows.length,
  };
}

// means returns the mean of a value in each of so many equal parts of a time,
// in order. Parts without a row are left out.
export function means(rows, from, to, parts, value) {
  const width = (to - from) / parts || 1;
  const bins = Map.groupBy(rows, (v) => Math.min(parts - 1, Math.floor((v.valid - from) / width)));
  return [...bins].map(([i, bin]) => ({ valid: from + (i + 0.5) * width, mean: mean(bin, value) }));
}
