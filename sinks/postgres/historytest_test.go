package postgres_test

import (
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history/historytest"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// cutOff makes each batch fail when it is committed.
const cutOff = `CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off' USING ERRCODE = '53100'; END $$;
	CREATE CONSTRAINT TRIGGER cut_off AFTER UPDATE ON aimdb_checkpoint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut_off()`

// TestHistory runs the suite with partitions that are narrow, of which most queries need
// several, and the random part of it with such that hold all rows.
func TestHistory(t *testing.T) {
	t.Parallel()
	t.Run("narrow", func(t *testing.T) {
		t.Parallel()
		historytest.Run(t, historyTarget(server, 700*time.Millisecond))
	})
	t.Run("wide", func(t *testing.T) {
		t.Parallel()
		historytest.RunModel(t, historyTarget(server, 7*24*time.Hour))
	})
}

func historyTarget(server *pgtest.Server, width time.Duration) historytest.Target {
	all := databases{on: server, dsns: map[string]string{}}
	dsns := map[historytest.Store]string{}
	return historytest.Target{
		Open: func(t testing.TB, dir string) (historytest.Store, func()) {
			dsn := all.of(t, dir)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet(), Partition: width})
			dsns[s] = dsn
			return s, stop
		},
		Failing: func(t testing.TB, s historytest.Store, do func()) {
			exec(t, dsns[s], cutOff)
			do()
			exec(t, dsns[s], "DROP FUNCTION cut_off CASCADE")
		},
	}
}
