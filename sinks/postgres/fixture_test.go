package postgres_test

import (
	"context"
	_ "embed"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// version3 is a dump of a history that the schema before event times has.
//
//go:embed testdata/version3.sql
var version3 string

// TestMigrateVersion3: rows, cursors and counts of version 3 stay, and event times can be used.
func TestMigrateVersion3(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), version3); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	same(t, everything(t, s), "a 60480000000 1", "b 60480000001 2", "a 61084800000 3")
	counted(t, s, dsn, 3)
	if version := ask[string](t, dsn, "SELECT value FROM aimdb_meta WHERE key = 'schema_version'"); version != "4" {
		t.Errorf("the version is %s", version)
	}
	at, err := s.Checkpoint(t.Context())
	if err != nil || at.Sequence != 3 {
		t.Fatal(at, err)
	}
	b := &sinks.Batch{Previous: at, Checkpoint: history.Position{Log: at.Log, Sequence: 4},
		Entries: []sinks.Entry{{Sequence: 4, Record: "c", Time: 102 * week, Timed: true, Event: 5, Value: []byte("4")}}}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	same(t, everything(t, s), "c 5 4", "a 60480000000 1", "b 60480000001 2", "a 61084800000 3")
	letters := collectLetters(t, s)
	if len(letters) != 1 || letters[0].Event != nil {
		t.Errorf("the dead letters are %+v", letters)
	}
}

func collectLetters(t *testing.T, s *postgres.Store) (all []history.DeadLetter) {
	for l, err := range s.DeadLetters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}
