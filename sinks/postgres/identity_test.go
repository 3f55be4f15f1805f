package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestIdentityAfterAFailover: a cursor of before is refused where its row ID may belong to
// another row now, also by a process that only reads. Otherwise it stays good.
func TestIdentityAfterAFailover(t *testing.T) {
	t.Parallel()
	const older = `UPDATE aimdb_checkpoint SET sequence = 6, next_id = 7; DELETE FROM record_history WHERE id >= 7; `
	for name, c := range map[string]struct {
		change   string // of the history, after which the writer's connection is ended
		restarts bool
		other    bool
	}{
		"a restart of the process":                        {change: "SELECT 1", restarts: true},
		"a connection that ends":                          {change: "SELECT 1"},
		"a server that lacks rows":                        {change: older, other: true},
		"a server that was promoted":                      {change: "UPDATE aimdb_meta SET value = '7 00000001' WHERE key = 'timeline'", other: true},
		"a server that was promoted while nobody ran":     {change: "UPDATE aimdb_meta SET value = '7 00000001' WHERE key = 'timeline'", restarts: true, other: true},
		"a history of a version that noted no timeline":   {change: "DELETE FROM aimdb_meta WHERE key = 'timeline'", restarts: true},
		"a server without the timeline that lacks a row":  {change: older + "DELETE FROM aimdb_meta WHERE key = 'timeline'", other: true},
		"a history that another process has moved onward": {change: "UPDATE aimdb_checkpoint SET next_id = 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			waitActive(t, s)
			for n := range int64(10) {
				appendTo(t, s, n+1)
			}
			reader := open(t, postgres.Config{DSN: dsn, Logger: quiet()})
			query := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: all, Total: 5}}
			page, err := history.ReadPage(t.Context(), reader, query)
			if err != nil || page.Next == "" {
				t.Fatalf("%+v, %v", page, err)
			}
			if c.restarts {
				stop()
				exec(t, dsn, c.change)
				s, stop = start(t, postgres.Config{DSN: dsn, Logger: quiet()})
				waitActive(t, s)
			} else {
				exec(t, dsn, c.change+"; "+endWriter)
				for err := errors.New("ended"); err != nil; { // the first call finds the connection ended
					_, err = s.Checkpoint(t.Context())
				}
			}
			query.Cursor = page.Next
			_, err = history.ReadPage(t.Context(), reader, query)
			if errors.Is(err, history.ErrBadCursor) != c.other || err != nil && !c.other {
				t.Errorf("the cursor of before gives %v", err)
			}
			at, err := reader.Position(t.Context())
			stats, statsErr := s.Stats(t.Context())
			if err != nil || statsErr != nil || at.Identity != stats.Identity {
				t.Errorf("the identity is %q for one process and %q for another; %v, %v", at.Identity, stats.Identity, err, statsErr)
			}
			stop()
		})
	}
}

// TestUpgrade: a schema of an older version gets what it lacks, and keeps its rows.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	// What each version added, the last one first.
	added := []string{`DROP INDEX idx_record_written; ALTER TABLE record_history DROP COLUMN written_at, DROP COLUMN imported;
		ALTER TABLE aimdb_record DROP COLUMN timed; ALTER TABLE aimdb_dead_letter DROP COLUMN event`,
		`DROP TABLE aimdb_shape, aimdb_foreign; DROP FUNCTION aimdb_mark_shapes, aimdb_note_foreign;
		ALTER TABLE aimdb_dead_letter DROP COLUMN shape;
		CREATE OR REPLACE FUNCTION aimdb_next_id() RETURNS bigint LANGUAGE sql VOLATILE SET search_path FROM CURRENT
			AS 'UPDATE aimdb_checkpoint SET next_id = next_id + 1 RETURNING next_id - 1'`,
		"DROP TABLE aimdb_hole; ALTER TABLE aimdb_record DROP COLUMN run, DROP COLUMN number"}
	for i := range added {
		version := len(added) - i
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			appendTo(t, s, 1)
			stop()
			exec(t, dsn, strings.Join(added[:i+1], ";")+fmt.Sprintf("; UPDATE aimdb_meta SET value = '%d' WHERE key = 'schema_version'", version))
			s, stop = start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			defer stop()
			exec(t, dsn, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '2', 2)")
			appendTo(t, s, 2)
			if rows := stored(t, dsn); len(rows) != 3 {
				t.Errorf("%v", rows)
			}
		})
	}
}
