package ndjson_test

import (
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

func TestSink(t *testing.T) {
	for name, opts := range map[string][]ndjson.Option{"one file": nil, "many files": {ndjson.RotateBytes(1000)}} {
		t.Run(name, func(t *testing.T) { conformance(t, opts...) })
	}
}

func conformance(t *testing.T, opts ...ndjson.Option) {
	dirs := map[sinks.Sink]string{}
	sinktest.Run(t, sinktest.Target{
		Poison: sinks.Entry{Record: "test::poison", Time: 1, Value: []byte("{no JSON \xff")},
		Open: func(t testing.TB, dir string) (sinks.Sink, func()) {
			s := open(t, dir, opts...)
			dirs[s] = dir
			return s, func() { closeSink(t, s) }
		},
		Entries: func(t testing.TB, s sinks.Sink) (all []sinks.Entry) {
			for _, r := range rows(t, dirs[s]) {
				all = append(all, sinks.Entry{Record: r.Record, Time: r.Time, Value: r.Value, Shape: r.Shape})
			}
			return all
		},
		DeadLetters: func(t testing.TB, s sinks.Sink) (all []sinks.Refusal) {
			for _, d := range parseLines[ndjson.DeadLetter](t, read(t, filepath.Join(dirs[s], "dead_letters.ndjson"))) {
				all = append(all, sinks.Refusal{Entry: sinks.Entry{Sequence: d.Sequence, Record: d.Record, Time: d.Time, Value: d.Value}, Reason: d.Reason})
			}
			return all
		},
		Losses: func(t testing.TB, s sinks.Sink) []loss.Loss {
			return parseLines[loss.Loss](t, read(t, filepath.Join(dirs[s], "losses.ndjson")))
		},
	})
}
