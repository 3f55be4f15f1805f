package sqlite_test

import "testing"

// BenchmarkVerify reads a whole file, its structure, its rows and their checksums.
func BenchmarkVerify(b *testing.B) {
	s := start(b, file(b))
	rows := benchRows(b)
	fill(b, s, rows)
	b.ResetTimer()
	for b.Loop() {
		if v := verify(b, s); len(v.Damaged)+len(v.Problems) > 0 {
			b.Fatalf("%+v", v)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
