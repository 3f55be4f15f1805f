package sqlite_test

import (
	"database/sql"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// lasts remembers what was stored, in order.
type lasts map[string][]history.Row

// last is what ByStoring promises: the rows from behind the last one whose time is
// before that of its predecessor, then the others by time.
func (l lasts) last(key string) []history.Row {
	rows := l[key]
	from := 0
	for i := 1; i < len(rows); i++ {
		if rows[i].Time < rows[i-1].Time {
			from = i
		}
	}
	late, early := slices.Clone(rows[from:]), slices.Clone(rows[:from])
	slices.SortStableFunc(early, func(a, b history.Row) int { return int(a.Time - b.Time) })
	all := append(early, late...)
	slices.Reverse(all)
	return all
}

// However often the clock is set back, and whether the store was started anew,
// or a batch failed and came again, the row that was stored last comes first.
func TestLastGoesByStoringAndNotByTime(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := file(t)
	s, stop := startStop(t, path)
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is open in it
	keys := []string{"a", "b", "c"}
	stored, now, sequence := lasts{}, int64(1000), uint64(1)
	for n := range 150 {
		var entries []sinks.Entry
		for range 1 + random.IntN(6) {
			if now += int64(random.IntN(4)); random.IntN(12) == 0 {
				now -= int64(random.IntN(100))
			}
			key := keys[random.IntN(len(keys))]
			entries = append(entries, entry(key, now, fmt.Sprint(sequence+uint64(len(entries)))))
		}
		b := batch(sequence, entries...)
		sequence += uint64(len(entries))
		if n%7 == 3 {
			setTrigger(t, db, "CREATE TRIGGER cut_off BEFORE UPDATE ON aimdb_checkpoint BEGIN SELECT RAISE(ABORT, 'cut off'); END")
			if err := s.Write(t.Context(), b); err == nil {
				t.Fatal("the batch was to fail")
			}
			setTrigger(t, db, "SELECT 1")
		}
		write(t, s, b)
		for _, e := range entries {
			stored[e.Record] = append(stored[e.Record], history.Row{Record: e.Record, Time: e.Time, Value: e.Value})
		}
		if n%10 == 9 {
			stop()
			s, stop = startStop(t, path)
		}
		for _, key := range keys {
			limit := 1 + random.IntN(20)
			checkLast(t, s, key, limit, stored.last(key))
		}
		if t.Failed() {
			t.Fatalf("after batch %d", n)
		}
	}
}

func checkLast(t *testing.T, s *sqlite.Store, key string, limit int, want []history.Row) {
	t.Helper()
	var wanted []string
	for _, row := range want[:min(limit, len(want))] {
		wanted = append(wanted, fmt.Sprintf("%s %d %s", row.Record, row.Time, row.Value))
	}
	same(t, texts(t, lastOf(t, s, key, limit)), wanted...)
}

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
