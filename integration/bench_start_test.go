package integration

import (
	"os"
	"strconv"
	"testing"
)

// startMessages is the variable that says how many messages BenchmarkStart
// puts into the log.
const startMessages = "AIMDB_BENCH_MESSAGES"

// BenchmarkStart opens a database whose log is full of messages that are all
// stored, until it is ready, against one whose log is empty. With
// AIMDB_BENCH_MESSAGES=1000000 its target is 2 s.
func BenchmarkStart(b *testing.B) {
	messages := 100_000
	if text := os.Getenv(startMessages); text != "" {
		var err error
		if messages, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", startMessages, err)
		}
	}
	full, empty := b.TempDir(), b.TempDir()
	s, err := serve(full, 100, lossless())
	if err != nil {
		b.Fatal(err)
	}
	s.send(b, messages)
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := s.stop(); err != nil {
		b.Fatal(err)
	}
	start := func(dir string) float64 {
		s, err := serve(dir, 100, lossless())
		if err != nil {
			b.Fatal(err)
		}
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
		return s.took.Seconds()
	}
	start(empty) // to make the files
	var took, ratios []float64
	for b.Loop() {
		for range turns {
			reference := start(empty)
			took = append(took, start(full))
			ratios = append(ratios, took[len(took)-1]/reference)
		}
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
	b.ReportMetric(median(took), "s-to-ready")
	b.ReportMetric(median(ratios), "x-empty")
	b.ReportMetric(float64(messages), "messages")
}
