package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

func pattern(t testing.TB, text string) key.Pattern {
	t.Helper()
	p, err := key.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestQueriesUseTheIndex: a query reads the rows that it wants by the index, from the
// partitions that have them.
func TestQueriesUseTheIndex(t *testing.T) {
	s, _ := filled(t, 200_000)
	start, end := benchStart+10*week+1, benchStart+11*week-1
	for name, c := range map[string]struct {
		text    string
		args    []any
		scanned int // rows of the history
		least   int // partitions that are left out from the start
	}{
		"latest":              {postgres.LatestText(), []any{sensors(), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64), 1}, benchRecords, 0},
		"latest in a window":  {postgres.LatestText(), []any{sensors(), end, int64(math.MaxInt64), start, int64(math.MaxInt64), 1}, benchRecords, 50},
		"range":               {postgres.ForwardText, []any{"plant.sensor07", start, int64(0), int64(math.MaxInt64), int64(math.MaxInt64), 100}, 100, 10},
		"range in a window":   {postgres.ForwardText, []any{"plant.sensor07", start, int64(0), end, int64(math.MaxInt64), 10}, 10, 50},
		"range, newest first": {postgres.BackwardText, []any{"plant.sensor07", end, int64(0), start, int64(math.MaxInt64), 10}, 10, 50},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := s.Explain(t.Context(), c.text, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			var all []struct{ Plan planNode }
			if err := json.Unmarshal([]byte(plan), &all); err != nil {
				t.Fatal(err)
			}
			scanned, removed := 0, 0
			for node := range all[0].Plan.each {
				removed += node.Removed
				if strings.HasPrefix(node.Relation, "record_history") {
					scanned += int(node.Rows * node.Loops)
					if node.Type != "Index Scan" {
						t.Errorf("a %s of %s", node.Type, node.Relation)
					}
				}
			}
			if scanned != c.scanned || removed < c.least {
				t.Errorf("%d rows are read and %d partitions left out, want %d and at least %d:\n%s", scanned, removed, c.scanned, c.least, plan)
			}
		})
	}
}

func sensors() (names []string) {
	for i := range benchRecords {
		names = append(names, fmt.Sprintf("plant.sensor%02d", i))
	}
	return names
}

// planNode is a node of EXPLAIN (FORMAT JSON).
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Removed  int        `json:"Subplans Removed"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) each(yield func(planNode) bool) {
	if !yield(n) {
		return
	}
	for _, below := range n.Plans {
		for node := range below.each {
			if !yield(node) {
				return
			}
		}
	}
}

// queries are all queries, which read some rows of a history with rows of one record.
func queries(ctx context.Context, s *postgres.Store) map[string]func() (int, error) {
	count := func(seq func(func(history.Row, error) bool)) (n int, err error) {
		for _, err := range seq {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	return map[string]func() (int, error){
		"latest": func() (int, error) { return count(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1e6})) },
		"range":  func() (int, error) { return count(s.Range(ctx, history.RangeQuery{Pattern: all})) },
		"storing": func() (int, error) {
			return count(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1e6, By: history.ByStoring}))
		},
		"buckets": func() (n int, err error) {
			for b, err := range s.Buckets(ctx, history.BucketQuery{Pattern: all, Width: time.Hour}) {
				if err != nil {
					return n, err
				}
				n += int(b.Count)
			}
			return n, nil
		},
		"stats": func() (int, error) { st, err := s.Stats(ctx); return int(st.Rows), err },
		"preview": func() (int, error) {
			report, err := s.Preview(ctx, history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: math.MaxInt64}}})
			return int(report.Rows), err
		},
	}
}

// manyRows stores rows of one record, with a clock that was set back in the middle.
func manyRows(t *testing.T, s *postgres.Store, n int) {
	t.Helper()
	for i := 0; i < n; {
		var rows []history.Row
		for range 5000 {
			ms := int64(i)
			if i >= n/2 {
				ms -= 100
			}
			rows = append(rows, row("a", ms, fmt.Sprint(i)))
			i++
		}
		write(t, s, rows...)
	}
}

// TestAQueryThatIsCutOffSaysSo: an answer without an error is whole, whatever happens to
// the context, the connection or the server.
func TestAQueryThatIsCutOffSaysSo(t *testing.T) {
	const rows = 20_000
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet(), Readers: 1})
	defer stop()
	manyRows(t, s, rows)
	for name, cut := range map[string]func(cancel func()){
		"context": func(cancel func()) { cancel() },
		"connection": func(func()) {
			exec(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%record_history%' AND pid <> pg_backend_pid()")
		},
		"server": func(func()) { server.Kill(t) },
	} {
		for what, during := range map[string]func(ctx context.Context, between func()) error{
			"range": func(ctx context.Context, between func()) error {
				return during(s.Range(ctx, history.RangeQuery{Pattern: all}), rows, between)
			},
			"latest": func(ctx context.Context, between func()) error {
				return during(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1e6}), rows, between)
			},
			"storing": func(ctx context.Context, between func()) error {
				return during(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1e6, By: history.ByStoring}), rows, between)
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			err := during(ctx, func() { cut(cancel) })
			if errors.Is(err, errShort) || name == "context" && !errors.Is(err, context.Canceled) || name == "server" && !errors.Is(err, history.ErrUnavailable) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			cancel()
			server.Start(t)
		}
	}
	for name, query := range queries(t.Context(), s) {
		if n, err := query(); n != rows || err != nil {
			t.Errorf("%s afterwards: %d rows, %v", name, n, err)
		}
	}
}

// during reads rows and lets something happen after some of them.
func during(seq func(func(history.Row, error) bool), want int, between func()) error {
	n := 0
	for _, err := range seq {
		if err != nil {
			return err
		}
		if n++; n == 1000 {
			between()
		}
	}
	if n != want {
		return errShort
	}
	return nil
}

var errShort = errors.New("the answer is short and has no error")

// TestAQueryThatWaitsEndsWithItsContext: the query ends on the server too.
func TestAQueryThatWaitsEndsWithItsContext(t *testing.T) {
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet(), Readers: 1})
	defer stop()
	write(t, s, row("a", 1, "1"))
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "LOCK TABLE record_history, aimdb_record IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	const waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'aimdb%' AND wait_event_type = 'Lock')"
	for name := range queries(t.Context(), s) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := queries(ctx, s)[name](); done <- err }()
		until(t, dsn, waiting)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		until(t, dsn, "SELECT NOT "+strings.TrimPrefix(waiting, "SELECT "))
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, everything(t, s), "a 1 1")
}

// TestRowsByStoringComeInPages: more rows than one page has, from after a clock step and
// from before it.
func TestRowsByStoringComeInPages(t *testing.T) {
	const rows = 10_000
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	var all []history.Row
	for i := range rows {
		all = append(all, row("a", int64(1000+i/3), fmt.Sprint(i)))
	}
	for i := range rows {
		all = append(all, row("a", int64(500+i/3), fmt.Sprint(rows+i)))
	}
	write(t, s, all...)
	slices.Reverse(all)
	got := collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: math.MaxInt, By: history.ByStoring}))
	if !slices.Equal(texts(got), texts(all)) {
		t.Errorf("%d rows, want %d in the reverse order of their storing", len(got), len(all))
	}
}

// TestNamesAreOrderedByBytes: the collation of the cluster has another order.
func TestNamesAreOrderedByBytes(t *testing.T) {
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	want := []string{"B", "Z.b", "a", "a.b", "a::b", "a_b", "b", "z", "ä", "ö.x"}
	var rows []history.Row
	for _, name := range want {
		rows = append(rows, row(name, 1, "1"))
	}
	slices.Reverse(rows)
	write(t, s, rows...)
	for text, want := range map[string]string{
		"#": fmt.Sprint(want), "a.*": "[a.b a::b]", "a::*": "[a.b a::b]", "a.#": "[a a.b a::b]", "*.b": "[Z.b a.b a::b]", "a.b": "[a.b a::b]", "ö.*": "[ö.x]", "%": "[]", "a_b": "[a_b]",
	} {
		if got := fmt.Sprint(names(t, s, text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	foreign(t, dsn, "c", 1) // names come from the rows now
	if got := fmt.Sprint(names(t, s, "#"), names(t, s, "a.*"), names(t, s, "*")); got != "[B Z.b a a.b a::b a_b b c z ä ö.x] [a.b a::b] [B a a::b a_b b c z ä]" {
		t.Error(got)
	}
}
