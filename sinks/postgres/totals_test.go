package postgres_test

import (
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestTotals: the sums are those of Stats, and rows of other programs are in them once Stats
// has counted them.
func TestTotals(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	stop = sync.OnceFunc(stop)
	defer stop()
	totals := func() history.Totals {
		t.Helper()
		got, err := s.Totals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := totals(); got.Rows != 0 || got.ValueBytes != 0 || got.Bytes <= 0 || got.LastPrune != 0 || got.Lost != 0 || got.DeadLetters != 0 {
		t.Errorf("an empty history has %+v", got)
	}
	bad := sinks.Entry{Sequence: 4, Record: "a", Time: 4, Value: []byte("{")}
	b := &sinks.Batch{
		Entries: []sinks.Entry{
			{Sequence: 1, Record: "a", Time: 1, Value: []byte("1")}, {Sequence: 2, Record: "b", Time: 2, Value: []byte(`"22"`)}, {Sequence: 3, Record: "a", Time: 3, Value: []byte("333")},
		},
		Refused:    []sinks.Refusal{{Entry: bad, Reason: "no JSON"}},
		Losses:     []loss.Loss{{Record: "a", Cause: loss.SinkRefused, Run: 1, Count: 5, From: 4, To: 8, FirstTime: 4, LastTime: 8}},
		Checkpoint: history.Position{Log: "log", Sequence: 8},
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := totals(); got.Rows != 3 || got.ValueBytes != 8 || got.Lost != 5 || got.DeadLetters != 1 {
		t.Errorf("after a batch it has %+v", got)
	}
	exec(t, dsn, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('c', '4444', 9)")
	if got := totals(); got.Rows != 3 {
		t.Errorf("a row of another program is counted at once: %+v", got)
	}
	all, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := totals(); got.Rows != all.Rows || got.Rows != 4 || got.ValueBytes != 12 || got.Bytes != all.Bytes || got.Lost != all.Lost || got.DeadLetters != all.DeadLetters {
		t.Errorf("the totals are %+v, the statistics %+v", got, all)
	}
	report, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "a", MaxRows: 1}}})
	if err != nil || report.Rows != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if got := totals(); got.Rows != 3 || got.ValueBytes != 11 || got.LastPrune <= 0 {
		t.Errorf("after a sweep it has %+v", got)
	}
	stop()
	if got, err := s.Totals(t.Context()); err == nil {
		t.Errorf("a closed history has %+v", got)
	}
}
