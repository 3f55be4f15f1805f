# Two steps of scripts/bench-pair. The first reads the names of benchmarks that
# two packages have, then lines "side package" before those of go test -bench,
# and prints "row|unit|side|value". The second, with median=1, reads these lines
# sorted and prints a table of medians.
!median && FILENAME == ARGV[1] { twice[$1] = 1; next }
!median {
  row = $3; sub(/-[0-9]+$/, "", row)
  top = row; sub(/\/.*/, "", top)
  sub(/^Benchmark/, "", row)
  if (top in twice) row = $2 " " row
  for (i = 5; i < NF; i += 2) print row "|" $(i + 1) "|" $1 "|" $i
  next
}
{
  key = $1 "|" $2
  if (key != last) { flush(); last = key; row = $1; unit = $2 }
  value[$3, ++n[$3]] = $4
}
END { if (median) flush() }
function middle(side,   k) {
  k = n[side]
  return k % 2 ? value[side, (k + 1) / 2] : (value[side, k / 2] + value[side, k / 2 + 1]) / 2
}
function flush(   b, h) {
  if (!head++) printf "%-48s %-20s %12s %12s %8s\n", "benchmark", "unit", "base", "here", "ratio"
  if (n["base"] && n["here"]) {
    b = middle("base"); h = middle("here")
    if (b || h) printf "%-48s %-20s %12.5g %12.5g %8s\n", row, unit, b, h, b ? sprintf("%.3f", h / b) : "-"
  } else if (last != "") printf "%-48s %-20s only in %s\n", row, unit, n["base"] ? "base" : "here"
  n["base"] = n["here"] = 0
}
