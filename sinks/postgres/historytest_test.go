package postgres_test

import (
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history/historytest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// cutOff makes each batch fail when it is committed.
const cutOff = `CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off' USING ERRCODE = '53100'; END $$;
	CREATE CONSTRAINT TRIGGER cut_off AFTER UPDATE ON aimdb_checkpoint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut_off()`

// TestHistory runs the suite with partitions that hold all rows of most tests, and with
// narrow ones, of which most queries need several.
func TestHistory(t *testing.T) {
	for _, width := range []time.Duration{7 * 24 * time.Hour, 700 * time.Millisecond} {
		t.Run(width.String(), func(t *testing.T) { testHistory(t, width) })
	}
}

func testHistory(t *testing.T, width time.Duration) {
	all := databases{}
	dsns := map[historytest.Store]string{}
	historytest.Run(t, historytest.Target{
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
	})
}
