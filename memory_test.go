package aimdb_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// note is a value of about 140 bytes of JSON.
type note struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// fill stores rows of some records, a millisecond apart and up to now.
func fill(t *testing.T, path string, rows map[string]int) {
	t.Helper()
	withStore(t, path, func(store *sqlite.Store) {
		sequence := uint64(0)
		for record, n := range rows {
			begin := time.Now().UnixMilli() - int64(n)
			for batch := new(sinks.Batch); n > 0; batch = new(sinks.Batch) {
				for ; n > 0 && len(batch.Entries) < 10_000; n-- {
					sequence++
					begin++
					batch.Entries = append(batch.Entries, sinks.Entry{
						Sequence: sequence, Record: record, Time: begin, Value: fmt.Appendf(nil, `{"n":%d,"text":"%0115d"}`, n, n), // none like the other
					})
				}
				batch.Checkpoint = history.Position{Log: "test", Sequence: sequence}
				if err := sinktest.Append(t.Context(), store, batch); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// alive is the size of all that is in use on the heap.
func alive() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestRangeTakesConstantMemory streams two results of which one has ten times
// the rows of the other.
func TestRangeTakesConstantMemory(t *testing.T) {
	const few, many, margin = 6_000, 60_000, 4 << 20
	dir := t.TempDir()
	fill(t, filepath.Join(dir, "history.db"), map[string]int{"few": few, "many": many})
	db := open(t, dir)
	peak := func(record string, want int) (peak uint64) {
		rows, err := aimdb.RangeRows[note](t.Context(), db, record, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for row, err := range rows {
			if err != nil {
				t.Fatal(err)
			}
			if row.Value.N != want-got {
				t.Fatalf("row %d has the number %d", got, row.Value.N)
			}
			if got++; got%2000 == 0 {
				peak = max(peak, alive())
			}
		}
		if got != want {
			t.Fatalf("%d rows of %s, want %d", got, record, want)
		}
		return peak
	}
	small, large := peak("few", few), peak("many", many)
	t.Logf("%d rows: %d bytes in use, %d rows: %d", few, small, many, large)
	if large > small+margin {
		t.Errorf("a result of %d rows takes %d bytes more than one of %d", many, large-small, few)
	}
	// What collects all rows does not pass.
	all, err := aimdb.QueryRange[note](t.Context(), db, "many", time.Time{}, time.Time{})
	if held := alive(); err != nil || held <= small+margin {
		t.Errorf("%d rows in memory take no more than %d bytes, %v: this test can find nothing", len(all), held, err)
	}
	runtime.KeepAlive(all)
}
