package sqlite_test

import (
	"iter"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// lastOf asks for the rows of a record that were stored last.
func lastOf(t *testing.T, s *sqlite.Store, record string, limit int) iter.Seq2[history.Row, error] {
	return s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, record), Limit: limit, By: history.ByStoring})
}

// Imported rows are stored late and are old all the same.
func TestImportedRowsAreNotTheLast(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("a", 100, "1"), entry("a", 50, "2")))
	rows := func(yield func(history.Row, error) bool) {
		_ = yield(history.Row{Record: "a", Time: 10, Value: []byte("3")}, nil) &&
			yield(history.Row{Record: "a", Time: 200, Value: []byte("4")}, nil)
	}
	if _, err := s.Import(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	same(t, texts(t, lastOf(t, s, "a", 9)), "a 50 2", "a 200 4", "a 100 1", "a 10 3")
	write(t, s, batch(3, entry("a", 60, "5")))
	same(t, texts(t, lastOf(t, s, "a", 2)), "a 60 5", "a 50 2")
}
