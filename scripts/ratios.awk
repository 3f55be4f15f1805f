# Reads scripts/ratios (what | benchmark | unit | target), then the output of
# go test -bench, and prints what was measured in that unit beside the target.
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
FNR == NR { if ($0 !~ /^#/ && NF >= 4) { n++; what[n] = trim($1); name[n] = trim($2); unit[n] = trim($3); want[n] = trim($4) } next }
/^Benchmark/ {
  count = split($0, f, /[ \t]+/); b = f[1]; sub(/-[0-9]+$/, "", b)
  for (i = 3; i < count; i += 2) value[b, f[i+1]] = f[i]
}
END {
  for (i = 1; i <= n; i++) {
    if (!((name[i], unit[i]) in value)) continue
    if (!head++) printf "%-64s %10s  %s\n", "what", "measured", "target"
    measured = value[name[i], unit[i]]
    # A target reads "<= 0.25" or ">= 0.7".
    split(want[i], w, " ")
    missed = (w[1] == "<=" && measured + 0 > w[2] + 0) || (w[1] == ">=" && measured + 0 < w[2] + 0)
    printf "%-64s %10s  %s%s\n", what[i], measured, want[i], missed ? "  MISSED" : ""
  }
}
