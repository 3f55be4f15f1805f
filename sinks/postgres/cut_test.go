package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

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
	t.Parallel()
	const rows = 20_000
	server := pgtest.Syncing(t)
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
	t.Parallel()
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
	const waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'aimdb%' AND wait_event_type = 'Lock')"
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
