package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/sinks/postgres"
)

const (
	benchRecords = 100
	// benchStart is a Thursday, on which partitions of a week begin.
	benchStart = int64(2800 * 7 * 24 * 3600 * 1000)
	benchSpan  = int64(52 * 7 * 24 * 3600 * 1000)
)

// filled opens a history of a number of rows of 100 records over a year.
func filled(t testing.TB, rows int) (s *postgres.Store, dsn string) {
	t.Helper()
	dsn = server.Database(t)
	s = open(t, postgres.Config{DSN: dsn, Logger: quiet()})
	fill(t, dsn, rows)
	if _, err := s.Stats(t.Context()); err != nil { // which counts the rows
		t.Fatal(err)
	}
	return s, dsn
}

// fill copies rows into a history of no rows, in the order of their times.
func fill(t testing.TB, dsn string, rows int) {
	t.Helper()
	const week = 7 * 24 * 3600 * 1000
	for start := benchStart; start < benchStart+benchSpan; start += week {
		exec(t, dsn, fmt.Sprintf("CREATE TABLE record_history_%d PARTITION OF record_history FOR VALUES FROM (%[1]d) TO (%d)", start, start+week))
	}
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	next := 0
	_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"record_history"}, []string{"id", "record_name", "value_json", "stored_at"}, pgx.CopyFromFunc(func() ([]any, error) {
		if next == rows {
			return nil, nil
		}
		i := next
		next++
		return []any{int64(next), fmt.Sprintf("plant.sensor%02d", i%benchRecords), fmt.Sprintf(`{"celsius":%d.5}`, i%90), benchStart + benchSpan*int64(i)/int64(rows)}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, dsn, fmt.Sprintf("UPDATE aimdb_checkpoint SET next_id = %d", rows+1))
	exec(t, dsn, "VACUUM ANALYZE record_history")
}
