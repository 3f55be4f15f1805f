package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestOpenRefuses: a schema that somebody else made or that another version needs stays as
// it is.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before string
		config postgres.Config
		is     error
		says   []string
	}{
		"a table of another program": {
			before: "CREATE SCHEMA aimdb; CREATE TABLE aimdb.record_history (id int, note text)",
			is:     postgres.ErrForeign, says: []string{"record_history", "id integer, note text", "not partitioned"},
		},
		"a table that was changed": {
			before: "OURS; ALTER TABLE aimdb.aimdb_record DROP COLUMN bytes; ALTER TABLE aimdb.record_history ADD COLUMN extra int",
			is:     postgres.ErrForeign, says: []string{"aimdb_record has (last_time", "extra integer"},
		},
		"a newer version": {
			before: "OURS; UPDATE aimdb.aimdb_meta SET value = '99' WHERE key = 'schema_version'",
			is:     postgres.ErrNewer, says: []string{"version 99", "this program knows"},
		},
		"another width": {
			before: "OURS", config: postgres.Config{Partition: time.Hour}, says: []string{"604800000", "3600000"},
		},
		"a name to be quoted":        {config: postgres.Config{Schema: "x;y"}, says: []string{"plain name"}},
		"a negative width":           {config: postgres.Config{Partition: -1}, says: []string{"partition"}},
		"a database with no unicode": {before: "ASCII", says: []string{"SQL_ASCII", "UTF8"}},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			before, ours := strings.CutPrefix(c.before, "OURS")
			if ours {
				open(t, postgres.Config{DSN: dsn})
			}
			if before == "ASCII" {
				exec(t, dsn, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
				dsn, before = server.DSN("ascii"), ""
			}
			exec(t, dsn, strings.TrimPrefix(before, ";"))
			c.config.DSN, c.config.Logger = dsn, quiet()
			_, err := postgres.Open(t.Context(), c.config)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("Open gives %v", err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %q", err, text)
				}
			}
		})
	}
}

// TestOpenAtOnce: of several processes that open an empty database one makes the tables.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	open(t, postgres.Config{DSN: dsn})
	open(t, postgres.Config{DSN: dsn, Schema: "second"})
	if n := ask[int](t, dsn, "SELECT count(DISTINCT value) FROM (SELECT * FROM aimdb_meta UNION ALL SELECT * FROM second.aimdb_meta) m WHERE key = 'identity'"); n != 2 {
		t.Errorf("%d identities in two schemas", n)
	}
}
