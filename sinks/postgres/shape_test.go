package postgres_test

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// Rows of other programs have version 0, before and after the next batch of this one.
func TestRowsOfOthersHaveVersion0(t *testing.T) {
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	put := func(sequence int) {
		t.Helper()
		at := uint64(sequence)
		b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: at}, Entries: []sinks.Entry{
			{Sequence: at, Record: "a", Time: int64(sequence), Value: []byte("1"), Shape: 2},
		}}
		if err := sinktest.Append(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	want := func(shapes string) {
		t.Helper()
		var all []int
		for row, err := range s.Range(t.Context(), history.RangeQuery{Pattern: key.WirePattern("#")}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, row.Shape)
		}
		if fmt.Sprint(all) != shapes {
			t.Errorf("the shapes are %v, want %s", all, shapes)
		}
	}
	put(1)
	exec(t, dsn, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '2', 2), ('b', '2', 3)")
	want("[2 0 0]")
	if shapes, err := s.Shapes(t.Context(), "a"); err != nil || fmt.Sprint(shapes) != "[0 2]" {
		t.Errorf("the shapes of a are %v, %v", shapes, err)
	}
	put(4)
	want("[2 0 0 2]")
	if n := ask[int](t, dsn, "SELECT count(*) FROM aimdb_foreign"); n != 0 {
		t.Errorf("%d IDs of others are noted after they were marked", n)
	}
}
