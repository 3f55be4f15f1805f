package postgres_test

import (
	"context"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// start opens a store and runs it until the function that it returns is called.
func start(t testing.TB, c postgres.Config) (*postgres.Store, func()) {
	t.Helper()
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// databases gives each directory of a suite a database, and the same one again.
type databases struct {
	on   *pgtest.Server
	dsns map[string]string
}

func (d databases) of(t testing.TB, dir string) string {
	t.Helper()
	if d.dsns[dir] == "" {
		d.dsns[dir] = d.on.Database(t)
	}
	return d.dsns[dir]
}

func collect[T any](t testing.TB, seq func(func(T, error) bool)) (all []T) {
	t.Helper()
	for one, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// stored reads all rows of the history, in the order in which they were stored.
func stored(t testing.TB, dsn string) (all []history.Row) {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT id, record_name, stored_at, value_json, coalesce((SELECT version FROM aimdb_shape s
		WHERE s.record_name = h.record_name AND first_id <= id ORDER BY first_id DESC LIMIT 1), 0) FROM record_history h ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var row history.Row
		var value string
		if err := rows.Scan(&row.ID, &row.Record, &row.Time, &value, &row.Shape); err != nil {
			t.Fatal(err)
		}
		row.Value = []byte(value)
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSink(t *testing.T) {
	t.Parallel()
	made := databases{on: server, dsns: map[string]string{}}
	dsns := map[sinks.Sink]string{}
	sinktest.Run(t, sinktest.Target{
		Poison: sinks.Entry{Record: "test::poison", Time: 1, Value: []byte("\"\xff\"")},
		Open: func(t testing.TB, dir string) (sinks.Sink, func()) {
			dsn := made.of(t, dir)
			s, stop := start(t, postgres.Config{DSN: dsn})
			dsns[s] = dsn
			return s, stop
		},
		Entries: func(t testing.TB, s sinks.Sink) (all []sinks.Entry) {
			t.Helper()
			for _, row := range stored(t, dsns[s]) {
				all = append(all, sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value, Shape: row.Shape})
			}
			return all
		},
		DeadLetters: func(t testing.TB, s sinks.Sink) (all []sinks.Refusal) {
			t.Helper()
			for _, l := range collect(t, s.(*postgres.Store).DeadLetters(t.Context())) {
				all = append(all, sinks.Refusal{Entry: sinks.Entry{Sequence: l.Sequence, Record: l.Record, Time: l.Time, Value: l.Value}, Reason: l.Reason})
			}
			return all
		},
		Holes: func(t testing.TB, s sinks.Sink) []history.Hole {
			t.Helper()
			return collect(t, s.(*postgres.Store).Holes(t.Context()))
		},
		Losses: func(t testing.TB, s sinks.Sink) []loss.Loss {
			t.Helper()
			return collect(t, s.(*postgres.Store).Losses(t.Context()))
		},
	})
}
