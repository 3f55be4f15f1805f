package aimdb_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// asked are the queries that take a span of time, each with its error.
func asked(ctx context.Context, db *aimdb.DB, start, end time.Time) map[string]error {
	errs := map[string]error{}
	_, errs["range"] = aimdb.QueryRange[int](ctx, db, "#", start, end)
	_, errs["page"] = aimdb.QueryPage[int](ctx, db, aimdb.PageQuery{Pattern: "#", Start: start, End: end})
	_, errs["buckets"] = aimdb.QueryBuckets(ctx, db, "#", "n", time.Hour, start, end)
	return errs
}

// A time that Unix milliseconds cannot hold would wrap to the other end of
// time, and the answer would be wrong.
func TestTimesOutOfRangeAreAnError(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	stop := start(t, db)
	late, early := time.Unix(math.MaxInt64/1000+5, 0), time.Unix(math.MinInt64/1000-5, 0)
	for _, c := range []struct {
		name       string
		start, end time.Time
		want       string
	}{
		{"end too late", time.Time{}, late, "its end lies"},
		{"start too late", late, time.Time{}, "its start lies"},
		{"end too early", time.Time{}, early, "its end lies"},
		{"start too early", early, time.Time{}, "its start lies"},
		{"start after end", time.UnixMilli(2), time.UnixMilli(1), "after"},
	} {
		for query, err := range asked(t.Context(), db, c.start, c.end) {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of a %s: %v, want it to say %q", c.name, query, err, c.want)
			}
		}
	}
	for query, err := range asked(t.Context(), db, time.UnixMilli(math.MinInt64/1000*999), time.UnixMilli(math.MaxInt64/1000*999)) {
		if err != nil {
			t.Errorf("almost all of time in a %s: %v", query, err)
		}
	}
	for event, err := range aimdb.Follow[int](t.Context(), db, "#", late) {
		if err == nil || !strings.Contains(err.Error(), "its start lies") {
			t.Errorf("follow: %+v, %v", event, err)
			break
		}
	}
	stop()
}

// historyOf makes a history with these values of the record "n".
func historyOf(t *testing.T, dir string, values ...string) {
	t.Helper()
	batch := &sinks.Batch{Checkpoint: history.Position{Log: "before", Sequence: uint64(len(values))}}
	for i, value := range values {
		batch.Entries = append(batch.Entries, sinks.Entry{
			Sequence: uint64(i + 1), Record: "n", Time: time.Now().UnixMilli(), Value: []byte(value),
		})
	}
	withStore(t, filepath.Join(dir, "history.db"), func(s *sqlite.Store) {
		if err := sinktest.Append(t.Context(), s, batch); err != nil {
			t.Fatal(err)
		}
	})
}

// withStore opens a history for as long as something is stored in it.
func withStore(t *testing.T, path string, do func(*sqlite.Store)) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	do(store)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// Rows that are not JSON, or not of the type, are left out and counted.
func TestRowsThatDoNotDecodeAreLeftOutAndCounted(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	historyOf(t, dir, "1", "{broken", "2", `"a text"`, "", "3")
	db := open(t, dir)
	stop := start(t, db)
	ctx := t.Context()
	const broken = 3
	undecoded := func() uint64 {
		stats, err := db.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return stats.Undecoded
	}
	if n := undecoded(); n != 0 {
		t.Errorf("%d rows are counted before the first query", n)
	}
	latest, err := aimdb.QueryLatest[int](ctx, db, "n", 10)
	if err != nil || len(latest) != 3 || latest[0].Value != 3 || latest[2].Value != 1 {
		t.Errorf("latest: %v, %v", latest, err)
	}
	if n := undecoded(); n != broken {
		t.Errorf("%d rows are counted behind QueryLatest, want %d", n, broken)
	}
	rows, err := aimdb.QueryRange[int](ctx, db, "#", time.Time{}, time.Time{})
	if err != nil || len(rows) != 3 || rows[0].Value != 1 || rows[2].Value != 3 {
		t.Errorf("range: %v, %v", rows, err)
	}
	page, err := aimdb.QueryPage[int](ctx, db, aimdb.PageQuery{Pattern: "#"})
	if err != nil || len(page.Rows) != 3 {
		t.Errorf("page: %v, %v", page, err)
	}
	var followed []int
	for event, err := range aimdb.Follow[int](ctx, db, "n", time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.CaughtUp {
			break
		}
		followed = append(followed, event.Value)
	}
	if len(followed) != 3 {
		t.Errorf("followed: %v", followed)
	}
	if n := undecoded(); n != 4*broken {
		t.Errorf("%d rows are counted behind four queries, want %d", n, 4*broken)
	}
	stop()
}
