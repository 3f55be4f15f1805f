# Reads scripts/ratios (what | benchmark | reference | target), then the output
# of go test -bench, and prints measured ratios of ns/op beside the targets.
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
FNR == NR { if ($0 !~ /^#/ && NF >= 4) { n++; what[n] = trim($1); num[n] = trim($2); den[n] = trim($3); want[n] = trim($4) } next }
/^Benchmark/ {
  split($0, f, /[ \t]+/); name = f[1]; sub(/-[0-9]+$/, "", name)
  for (i = 2; i in f; i++) if (f[i] == "ns/op") ns[name] = f[i-1]
}
END {
  for (i = 1; i <= n; i++) {
    if (!(num[i] in ns) || !(den[i] in ns)) continue
    if (!head++) printf "%-58s %9s  %s\n", "ratio", "measured", "target"
    printf "%-58s %9.3f  %s\n", what[i], ns[num[i]] / ns[den[i]], want[i]
  }
}
