package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/history/historytest"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	historytest.Run(t, historytest.Target{
		Open: func(t testing.TB, dir string) (historytest.Store, func()) {
			return startStop(t, filepath.Join(dir, "history.db"))
		},
		Failing: func(t testing.TB, s historytest.Store, do func()) {
			path := s.(*sqlite.Store).Path()
			change(t, path, "CREATE TRIGGER cut_off BEFORE UPDATE ON aimdb_checkpoint BEGIN SELECT RAISE(ABORT, 'cut off'); END")
			do()
			change(t, path, "DROP TRIGGER cut_off")
		},
	})
}

func TestSink(t *testing.T) {
	t.Parallel()
	poison := entry("test::poison", 1, `"`+string(make([]byte, 5000))+`"`)
	sinktest.Run(t, sinktest.Target{
		Poison: poison,
		Shared: func(t testing.TB, dir string) (sinks.Sink, func()) {
			return startStop(t, filepath.Join(dir, "history.db"), sqlite.Beside())
		},
		Open: func(t testing.TB, dir string) (sinks.Sink, func()) {
			return startStop(t, filepath.Join(dir, "history.db"), sqlite.MaxValueBytes(4000))
		},
		Holes: func(t testing.TB, s sinks.Sink) []history.Hole {
			t.Helper()
			v := verify(t, s.(*sqlite.Store))
			if len(v.Problems)+len(v.Damaged) > 0 {
				t.Errorf("%+v", v)
			}
			return v.Holes
		},
		Entries: func(t testing.TB, s sinks.Sink) (all []sinks.Entry) {
			t.Helper()
			for row, err := range s.(*sqlite.Store).Rows(t.Context(), pattern(t, "#"), history.Window{}, 0) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value, Shape: row.Shape})
			}
			return all
		},
		DeadLetters: func(t testing.TB, s sinks.Sink) (all []sinks.Refusal) {
			t.Helper()
			for refused, err := range s.(*sqlite.Store).DeadLetters(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				e := sinks.Entry{Sequence: refused.Sequence, Record: refused.Record, Time: refused.Time, Value: refused.Value}
				all = append(all, sinks.Refusal{Entry: e, Reason: refused.Reason})
			}
			return all
		},
		Losses: func(t testing.TB, s sinks.Sink) (all []loss.Loss) {
			t.Helper()
			for loss, err := range s.(*sqlite.Store).Losses(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, loss)
			}
			return all
		},
	})
}
