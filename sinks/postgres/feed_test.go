package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// day and week are in milliseconds. Partitions of a week begin at multiples of a week.
const (
	day  = int64(24 * 3600 * 1000)
	week = 7 * day
)

var all = key.WirePattern("#")

func row(record string, ms int64, value string) history.Row {
	return history.Row{Record: record, Time: ms, Value: []byte(value)}
}

// write stores rows after whatever the store has.
func write(t testing.TB, s *postgres.Store, rows ...history.Row) {
	t.Helper()
	if err := writeErr(t, s, rows...); err != nil {
		t.Fatal(err)
	}
}

func writeErr(t testing.TB, s *postgres.Store, rows ...history.Row) error {
	at, err := s.Checkpoint(t.Context())
	if err != nil {
		return err
	}
	b := &sinks.Batch{Previous: at, Checkpoint: history.Position{Log: "log", Sequence: at.Sequence}}
	for _, row := range rows {
		b.Checkpoint.Sequence++
		b.Entries = append(b.Entries, sinks.Entry{Sequence: b.Checkpoint.Sequence, Record: row.Record, Time: row.Time, Value: row.Value})
	}
	return s.Write(t.Context(), b)
}

// texts writes rows without their IDs.
func texts(rows []history.Row) (all []string) {
	for _, row := range rows {
		all = append(all, fmt.Sprintf("%s %d %s", row.Record, row.Time, row.Value))
	}
	return all
}

func same(t testing.TB, got []history.Row, want ...string) {
	t.Helper()
	if g := texts(got); !slices.Equal(g, want) {
		t.Errorf("got  %q\nwant %q", g, want)
	}
}

// everything reads all rows by a query.
func everything(t testing.TB, s *postgres.Store) []history.Row {
	t.Helper()
	return collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: all}))
}

// counted checks that the counts of the records are those of their rows.
func counted(t testing.TB, s *postgres.Store, dsn string, want int64) {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Rows != want {
		t.Errorf("the statistics count %d rows of %d, %v", stats.Rows, want, err)
	}
	wrong := ask[int64](t, dsn, `SELECT count(*) FROM
		(SELECT record_name, count(*) AS rows, sum(octet_length(value_json)) AS bytes FROM record_history GROUP BY 1) h
		FULL JOIN aimdb_record r USING (record_name) WHERE coalesce(h.rows, 0) <> coalesce(r.rows, 0) OR coalesce(h.bytes, 0) <> coalesce(r.bytes, 0)`)
	if wrong != 0 {
		t.Errorf("the counts of %d records are wrong", wrong)
	}
	if rows := ask[int64](t, dsn, "SELECT count(*) FROM record_history"); rows != want {
		t.Errorf("there are %d rows, want %d", rows, want)
	}
}
