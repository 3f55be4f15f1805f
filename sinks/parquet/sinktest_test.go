package parquet_test

import (
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

func TestSink(t *testing.T) {
	for name, bytes := range map[string]int64{"staged in one file": 0, "staged in many files": 1000} {
		t.Run(name, func(t *testing.T) { conformance(t, parquet.Config{RotateBytes: bytes}) })
	}
}

func conformance(t *testing.T, c parquet.Config) {
	dirs := map[sinks.Sink]string{}
	sinktest.Run(t, sinktest.Target{
		Poison: sinks.Entry{Record: "test::poison", Time: 1, Value: []byte("{no JSON \xff")},
		Open: func(t testing.TB, dir string) (sinks.Sink, func()) {
			c.Dir = dir
			s := open(t, c)
			dirs[s] = dir
			return s, func() { closeSink(t, s) }
		},
		Entries: func(t testing.TB, s sinks.Sink) []sinks.Entry {
			rotate(t, s.(*parquet.Sink))
			return entries(t, dirs[s])
		},
		DeadLetters: func(t testing.TB, s sinks.Sink) (all []sinks.Refusal) {
			for _, d := range lines[ndjson.DeadLetter](t, filepath.Join(dirs[s], "staging", "dead_letters.ndjson")) {
				all = append(all, sinks.Refusal{Entry: sinks.Entry{Sequence: d.Sequence, Record: d.Record, Time: d.Time, Value: d.Value}, Reason: d.Reason})
			}
			return all
		},
		Losses: func(t testing.TB, s sinks.Sink) []loss.Loss {
			return lines[loss.Loss](t, filepath.Join(dirs[s], "staging", "losses.ndjson"))
		},
	})
}
