package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A running store finds rows of new records that a command or another program
// has added, at once and without writing anything itself.
func TestQueriesSeeWhatOthersAdd(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("ours", 1, "1")))
	beside := start(t, s.Path(), sqlite.Beside())
	for i := range int64(20) {
		imported, added := fmt.Sprint("imported", i), fmt.Sprint("added", i)
		if _, err := beside.Import(t.Context(), each(history.Row{Record: imported, Time: i, Value: []byte("1")})); err != nil {
			t.Fatal(err)
		}
		for _, store := range []*sqlite.Store{s, beside} {
			same(t, names(t, store, imported), imported)
		}
		foreign(t, s.Path(), added, 1)
		for _, store := range []*sqlite.Store{beside, s} {
			same(t, names(t, store, added), added)
		}
		if i%3 == 0 { // our own rows do not hide the others
			write(t, s, batch(uint64(2+i), entry("ours", i, "1")))
		}
		if n := len(names(t, s, "#")); int64(n) != 2*i+3 {
			t.Fatalf("%d records, want %d", n, 2*i+3)
		}
	}
}

// A batch that fails takes back what it knew of IDs, which others then use.
func TestAFailedBatchHidesNoRowsOfOthers(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("a", 1, "1")))
	change(t, s.Path(), "CREATE TRIGGER cut_off BEFORE UPDATE ON aimdb_checkpoint BEGIN SELECT RAISE(ABORT, 'cut off'); END")
	if err := s.Write(t.Context(), batch(2, numbered(100)...)); err == nil {
		t.Fatal("the batch was to fail")
	}
	change(t, s.Path(), "DROP TRIGGER cut_off")
	foreign(t, s.Path(), "others", 10)
	same(t, names(t, s, "#"), "a", "others")
	write(t, s, batch(2, numbered(100)...))
	counted(t, s, 111)
}
