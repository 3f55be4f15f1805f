package sqlite_test

import (
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// A batch that was not stored leaves no numbers.
func TestNumbersOfABatchThatFailed(t *testing.T) {
	s := start(t, file(t))
	value := func(sequence, number uint64) sinks.Entry {
		return sinks.Entry{Sequence: sequence, Record: "a", Number: number, Time: int64(sequence), Value: []byte("1")}
	}
	write(t, s, &sinks.Batch{Entries: []sinks.Entry{value(1, 1)}, Checkpoint: history.Position{Log: "log", Sequence: 1}})
	change(t, s.Path(), "CREATE TRIGGER cut_off BEFORE UPDATE ON aimdb_checkpoint BEGIN SELECT RAISE(ABORT, 'cut off'); END")
	next := &sinks.Batch{Entries: []sinks.Entry{value(2, 2), value(3, 4)}, Checkpoint: history.Position{Log: "log", Sequence: 3}}
	if err := sinktest.Append(t.Context(), s, next); err == nil {
		t.Fatal("the batch was stored")
	}
	change(t, s.Path(), "DROP TRIGGER cut_off")
	write(t, s, next)
	if v := verify(t, s); !slices.Equal(v.Holes, []history.Hole{{Record: "a", From: 3, To: 3, Time: 3}}) || len(v.Damaged) > 0 {
		t.Errorf("%+v", v)
	}
}
