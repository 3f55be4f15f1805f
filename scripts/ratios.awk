# Reads scripts/ratios (what | benchmark | unit | target), then the output of
# go test -bench, and prints what was measured in that unit beside the target.
# "A / B" for the benchmark is the value of the one by that of the other.
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function measured(i,   pair) {
  if (split(name[i], pair, " / ") == 2) {
    if (!((pair[1], unit[i]) in value) || value[pair[2], unit[i]] + 0 == 0) return ""
    return value[pair[1], unit[i]] / value[pair[2], unit[i]]
  }
  return ((name[i], unit[i]) in value) ? value[name[i], unit[i]] : ""
}
FNR == NR { if ($0 !~ /^#/ && NF >= 4) { n++; what[n] = trim($1); name[n] = trim($2); unit[n] = trim($3); want[n] = trim($4) } next }
/^Benchmark/ {
  count = split($0, f, /[ \t]+/); b = f[1]; sub(/-[0-9]+$/, "", b)
  for (i = 3; i < count; i += 2) value[b, f[i+1]] = f[i]
}
END {
  for (i = 1; i <= n; i++) {
    if ((m = measured(i)) == "") continue
    if (!head++) printf "%-64s %10s  %s\n", "what", "measured", "target"
    split(want[i], w, " ") # "<= 0.25" or ">= 0.7"
    missed = (w[1] == "<=" && m + 0 > w[2] + 0) || (w[1] == ">=" && m + 0 < w[2] + 0)
    printf "%-64s %10.4g  %s%s\n", what[i], m, want[i], missed ? "  MISSED" : ""
  }
}
