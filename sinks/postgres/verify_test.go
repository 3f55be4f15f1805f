package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// TestVerify: what is missing or too much is named, and a repair counts rows that have
// vanished.
func TestVerify(t *testing.T) {
	t.Parallel()
	const unnoticed = "SET aimdb.counts = 'on'; "
	for name, c := range map[string]struct {
		change   string
		problems []string
		lost     int64
		left     int // problems after a repair
	}{
		"nothing":                  {},
		"a row that vanished":      {change: unnoticed + "DELETE FROM record_history WHERE id = 3", problems: []string{"a has -1 rows and -1 bytes"}, lost: 1},
		"a value of another size":  {change: unnoticed + "UPDATE record_history SET value_json = '12345' WHERE id = 3", problems: []string{"a has +0 rows and +4 bytes"}},
		"a partition that is gone": {change: "DROP TABLE record_history_0", problems: []string{"a has -5 rows"}, lost: 5},
		"a row twice": {change: unnoticed + "INSERT INTO record_history SELECT * FROM record_history WHERE id = 3",
			problems: []string{"1 row has the ID of another", "a has +1 rows"}, left: 1},
		"a row after the checkpoint": {change: unnoticed + "INSERT INTO record_history VALUES (99, 'a', '1', 1)",
			problems: []string{"the ID 99, and the next batch begins with 6", "a has +1 rows"}, left: 1},
		"rows of others":         {change: "INSERT INTO record_history(record_name, stored_at, value_json) VALUES ('b', 1, '1')"},
		"a row that others took": {change: "DELETE FROM record_history WHERE id = 3"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			defer stop()
			appendTo(t, s, 1, 2, 3, 4, 5)
			exec(t, dsn, c.change)
			v := verify(t, s)
			if len(v.Problems) != len(c.problems) || v.Position.Sequence != 5 {
				t.Errorf("%+v", v)
			}
			for i, problem := range c.problems {
				if !strings.Contains(v.Problems[i], problem) {
					t.Errorf("%q does not say %q", v.Problems[i], problem)
				}
			}
			done, err := s.Repair(t.Context(), nil)
			if err != nil || done.Lost != c.lost {
				t.Errorf("the repair: %+v, %v", done, err)
			}
			if v := verify(t, s); len(v.Problems) != c.left {
				t.Errorf("after the repair: %+v", v)
			}
			var want []loss.Loss
			if c.lost > 0 {
				want = []loss.Loss{{Record: "a", Cause: loss.HistoryDamaged, Count: uint64(c.lost)}}
			}
			if got := collect(t, s.Losses(t.Context())); !slices.Equal(got, want) {
				t.Errorf("the ledger has %+v", got)
			}
		})
	}
}

func verify(t *testing.T, s *postgres.Store) history.Verification {
	t.Helper()
	v, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNumbersOfABatchThatFailed: a batch that was not stored leaves no numbers, and its hole
// is found when it is written again.
func TestNumbersOfABatchThatFailed(t *testing.T) {
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	value := func(sequence, number uint64) sinks.Entry {
		return sinks.Entry{Sequence: sequence, Record: "a", Number: number, Time: int64(sequence), Value: []byte("1")}
	}
	b := func(to uint64, entries ...sinks.Entry) *sinks.Batch {
		return &sinks.Batch{Entries: entries, Checkpoint: history.Position{Log: "log", Sequence: to}}
	}
	if err := sinktest.Append(t.Context(), s, b(1, value(1, 1))); err != nil {
		t.Fatal(err)
	}
	next := b(3, value(2, 2), value(3, 4))
	exec(t, dsn, cutOff)
	if err := sinktest.Append(t.Context(), s, next); err == nil {
		t.Fatal("the batch was stored")
	}
	exec(t, dsn, "DROP FUNCTION cut_off CASCADE")
	if err := sinktest.Append(t.Context(), s, next); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, s); !slices.Equal(v.Holes, []history.Hole{{Record: "a", From: 3, To: 3, Time: 3}}) || len(v.Problems) > 0 {
		t.Errorf("%+v", v)
	}
}
