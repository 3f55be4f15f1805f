// How good forecasts were. Nothing here touches the document.
import { isBaseline } from "./model.js";

// within reports whether a validation is within a tolerance. The row's own
// within_tolerance is for the tolerance at the time of the validation.
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

// baselines returns the baseline of each row that has one, as a row.
export const baselines = (rows, baseline) => rows
  .map((v) => ({ valid: v.valid, forecast: v, error_celsius: baseline(v) }))
  .filter((b) => b.error_celsius !== undefined)
  .map((b) => ({ ...b, absolute_error: Math.abs(b.error_celsius) }));

// verdict compares the mean absolute errors of forecasts and their baselines.
export function verdict(based) {
  if (!based.length) return "No comparison with the baseline yet";
  const [forecast, baseline] = [mean(based, (b) => b.forecast.absolute_error), mean(based, (b) => b.absolute_error)];
  const percent = Math.round(Math.abs(forecast / baseline - 1) * 100);
  if (forecast === baseline || percent === 0) return "As good as the baseline";
  if (!baseline) return "Worse than the baseline, which had no error";
  return `${percent}\u00a0% ${forecast < baseline ? "better" : "worse"} than the baseline`;
}

const parts = 40; // of a line

// means returns the mean time and the mean of a value in each of equal parts of
// a time, in order. Parts without a row are left out.
export function means(rows, from, to, value) {
  const width = (to - from) / parts || 1;
  const bins = Map.groupBy(rows, (v) => Math.min(parts - 1, Math.floor((v.valid - from) / width)));
  return [...bins.values()].map((bin) => ({ valid: mean(bin, (v) => v.valid), mean: mean(bin, value) }));
}

// series returns the rows of a span, their baselines, and the lines of both.
export function series(history, all, span) {
  const rows = span ? all.filter((v) => v.valid >= span.from) : [];
  const based = baselines(rows.filter((v) => !isBaseline(v)), (v) => history.baseline(v));
  const line = (of, value) => (of.length ? means(of, span.from, span.to, value) : []);
  return {
    rows,
    based,
    mean: line(rows, (v) => v.error_celsius),
    mae: line(rows, (v) => v.absolute_error),
    baselineMAE: line(based, (b) => b.absolute_error),
  };
}
