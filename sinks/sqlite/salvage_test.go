package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// table returns the rows of the history by ID.
func table(t *testing.T, path string) map[int64]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	rows, err := db.Query("SELECT id, record_name || ' ' || stored_at || ' ' || value_json FROM record_history NOT INDEXED")
	must(t, err)
	defer rows.Close()
	all := map[int64]string{}
	for rows.Next() {
		var id int64
		var text sql.NullString
		must(t, rows.Scan(&id, &text))
		all[id] = text.String
	}
	must(t, rows.Err())
	return all
}

// large are values of which one fills a page.
func large(n int) []sinks.Entry {
	all := numbered(n)
	for i := range all {
		all[i].Value = fmt.Appendf(nil, `"%d %s"`, i, strings.Repeat("x", 3500))
	}
	return all
}

func TestRepairOfADamagedStructure(t *testing.T) {
	for name, c := range map[string]struct {
		harms   []harm
		entries []sinks.Entry
		// restored and lost are the least numbers of rows; all of them are exact if
		// they are 0.
		restored, lost int
		// unknown says that the ledger has losses whose number is not known.
		unknown bool
	}{
		"a leaf that the log does not hold": {harms: []harm{{table: "record_history", below: []int{3}, zero: true}}, lost: 50},
		"a leaf that the log holds":         {harms: []harm{{table: "record_history", below: []int{-3}, zero: true}}, restored: 50},
		"the last leaf":                     {harms: []harm{{table: "record_history", below: []int{-1}, zero: true}}, restored: 20},
		"two leaves": {harms: []harm{{table: "record_history", below: []int{2}, zero: true},
			{table: "record_history", below: []int{-4}, zero: true}}, restored: 50, lost: 50},
		"the root":                 {harms: []harm{{table: "record_history", zero: true}}, restored: 1000, lost: 1000},
		"an interior page":         {harms: []harm{{table: "record_history", below: []int{0}, zero: true}}, entries: large(1200), lost: 400},
		"a type of a page":         {harms: []harm{{table: "record_history", below: []int{-2}, at: 0, flip: 8}}, restored: 50},
		"a count of cells":         {harms: []harm{{table: "record_history", below: []int{2}, at: 4, flip: 1}}},
		"a start of cells":         {harms: []harm{{table: "record_history", below: []int{2}, at: 5, flip: 8}}},
		"a place of a cell":        {harms: []harm{{table: "record_history", below: []int{-3}, at: 40, flip: 2}}},
		"an ID that is negative":   {harms: []harm{{table: "record_history", below: []int{-3}, id: "\xc0\x80\x80\x80\x80\x80\x80\x80\x01"}}, restored: 1},
		"a root of the index":      {harms: []harm{{table: "idx_record_time", zero: true}}},
		"a leaf of checksums":      {harms: []harm{{table: "aimdb_checksum", below: []int{0}, zero: true}}},
		"the checkpoint":           {harms: []harm{{table: "aimdb_checkpoint", zero: true}}},
		"the counts":               {harms: []harm{{table: "aimdb_record", zero: true}}},
		"the ledger":               {harms: []harm{{table: "aimdb_loss", zero: true}}, unknown: true},
		"a leaf and its checksums": {harms: []harm{{table: "record_history", below: []int{2}, zero: true}, {table: "aimdb_checksum", below: []int{0}, zero: true}}, lost: 50},
		"a leaf, its checksums and the counts": {harms: []harm{{table: "record_history", below: []int{2}, zero: true},
			{table: "aimdb_checksum", below: []int{0}, zero: true}, {table: "aimdb_record", zero: true}}, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.entries == nil {
				c.entries = numbered(2000)
			}
			path := file(t)
			half := len(c.entries) / 2
			s, stop := startStop(t, path)
			first := batch(1, c.entries[:half]...)
			first.Losses = []loss.Loss{{Record: "r0", Cause: loss.RingOverrun, Count: 7}}
			write(t, s, first)
			write(t, s, batch(uint64(half)+1, c.entries[half:]...))
			before := table(t, path)
			stop()
			var pages []uint32
			for _, h := range c.harms {
				pages = append(pages, root(t, path, h.table))
			}
			for i, h := range c.harms {
				h.inflict(t, path, pages[i])
			}
			s, stop = startStop(t, path, sqlite.Unchecked())
			if v := verify(t, s); len(v.Problems) == 0 {
				t.Fatal("verify finds nothing")
			}
			done, err := s.Repair(t.Context(), logOf(c.entries[half:]))
			must(t, err)
			if int(done.Restored) < c.restored || int(done.Lost) < c.lost || c.restored == 0 && done.Restored > 1 || c.lost == 0 && done.Lost > 1 {
				t.Errorf("%+v, want %d and %d", done, c.restored, c.lost)
			}
			if info, err := os.Stat(done.Aside); err != nil || info.Size() < 100_000 {
				t.Errorf("the old file: %v, %v", info, err)
			}
			after := table(t, path)
			for id, text := range after {
				if before[id] != text {
					t.Errorf("row %d is %.60s, and was %.60s", id, text, before[id])
				}
			}
			if missing := len(before) - len(after); missing != int(done.Lost) && !c.unknown {
				t.Errorf("%d rows are missing, and %d are said to be lost", missing, done.Lost)
			}
			ledger(t, s, done.Lost, c.unknown, c.harms[0].table != "aimdb_loss")
			continues(t, s, c.entries, len(after))
			stop()
			clean(t, readOnly(t, path), int64(len(after)+2), 0)
			must(t, sqlite.Verify(t.Context(), path))
		})
	}
}

// ledger checks the number of rows that are lost, and that older entries are there.
func ledger(t *testing.T, s *sqlite.Store, lost int64, wantUnknown, wantOld bool) {
	t.Helper()
	counted, unknown, old := int64(0), false, false
	for l, err := range s.Losses(t.Context()) {
		must(t, err)
		if old = old || l.Cause == loss.RingOverrun && l.Count == 7; l.Cause != loss.HistoryDamaged {
			continue
		}
		counted, unknown = counted+int64(l.Count), unknown || l.Count == 0
	}
	if counted != lost || unknown != wantUnknown || old != wantOld {
		t.Errorf("the ledger has %d of %d lost rows, unknown %v, older entries %v", counted, lost, unknown, old)
	}
}

// continues checks that the pump can go on, that nothing is stored twice, and that IDs are
// not used again.
func continues(t *testing.T, s *sqlite.Store, entries []sinks.Entry, rows int) {
	t.Helper()
	last := len(entries)
	next := batch(uint64(last+1), entry("new", 1, "1"), entry("new", 2, "2"))
	if err := s.Write(t.Context(), next); !errors.Is(err, sqlite.ErrGone) {
		t.Errorf("a write that has not asked for the checkpoint: %v", err)
	}
	if at, err := s.Checkpoint(t.Context()); err != nil || at.Sequence != uint64(last) {
		t.Errorf("the checkpoint is %+v, %v", at, err)
	}
	if err := s.Write(t.Context(), batch(uint64(last), entries[last-1])); !errors.Is(err, sinks.ErrCheckpointMoved) {
		t.Errorf("a batch that is stored: %v", err)
	}
	write(t, s, next)
	after := table(t, s.Path())
	if len(after) != rows+2 || after[int64(last)+2] != "new 2 2" {
		t.Errorf("%d rows, want %d; the last one is %q", len(after), rows+2, after[int64(last)+2])
	}
	counted(t, s, int64(rows+2))
}

// A file with rows of a log but without a checkpoint is filled from the log alone.
func TestRepairOfADamagedStructureWithoutCheckpoint(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, numbered(2000)...))
	stop()
	change(t, path, "DELETE FROM aimdb_checkpoint", "DELETE FROM aimdb_meta WHERE key = 'checkpoint'", "PRAGMA wal_checkpoint(TRUNCATE)")
	harm{below: []int{3}, zero: true}.inflict(t, path, root(t, path, "record_history"))
	s = start(t, path, sqlite.Unchecked())
	done, err := s.Repair(t.Context(), noLog(t))
	if err != nil || done.Aside == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	ledger(t, s, 0, true, false)
	if at, err := s.Checkpoint(t.Context()); err != nil || at != (history.Position{}) {
		t.Errorf("the checkpoint is %+v, %v", at, err)
	}
	write(t, s, batch(1, numbered(2000)...))
	clean(t, s, 2000, 0)
}

// Only the owner of a file may put another one in its place.
func TestRepairOfADamagedStructureBesideTheOwner(t *testing.T) {
	path := file(t)
	s, _ := startStop(t, path)
	write(t, s, batch(1, numbered(2000)...))
	other := start(t, path, sqlite.Beside())
	exec(t, another(t, path), "PRAGMA wal_checkpoint(TRUNCATE)")
	harm{below: []int{3}, at: 5, flip: 8}.inflict(t, path, root(t, path, "record_history"))
	_, err := other.Repair(context.Background(), noLog(t))
	if err == nil || !strings.Contains(err.Error(), "stop the database") {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(strings.TrimSuffix(path, "/history.db"))
	must(t, err)
	if slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.Contains(e.Name(), "corrupt") }) {
		t.Errorf("%v", left)
	}
}

// Rows of other programs have no checksum. How many are lost is known from the counts.
func TestRepairOfADamagedStructureCountsRowsWithoutChecksum(t *testing.T) {
	path := file(t)
	_, stop := startStop(t, path)
	stop()
	change(t, path, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
		INSERT INTO record_history(record_name, value_json, stored_at) SELECT 'a', '{"n":' || i || '}', i FROM n`)
	s, stop := startStop(t, path)
	counted(t, s, 3000)
	stop()
	harm{table: "record_history", below: []int{2}, zero: true}.inflict(t, path, root(t, path, "record_history"))
	s = start(t, path, sqlite.Unchecked())
	done, err := s.Repair(t.Context(), noLog(t))
	rows := int64(len(table(t, path)))
	if err != nil || rows < 2000 || rows == 3000 || done.Lost != 3000-rows {
		t.Errorf("%d rows, %+v, %v", rows, done, err)
	}
	clean(t, s, rows, rows)
	counted(t, s, rows)
	lost := int64(0)
	for l, err := range s.Losses(t.Context()) {
		must(t, err)
		lost += int64(l.Count)
	}
	if lost != done.Lost {
		t.Errorf("the ledger has %d of %d", lost, done.Lost)
	}
}

// A byte of the schema can change so that it is the schema of another table: the checkpoint has
// no key any more, and is read and not replaced.
func TestRepairOfACheckpointWithoutItsKey(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, numbered(2000)...))
	stop()
	change(t, path, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY KEY', 'PRIMARX KEY') WHERE name = 'aimdb_checkpoint'",
		"UPDATE aimdb_checkpoint SET sum = sum + 1", "PRAGMA wal_checkpoint(TRUNCATE)")
	s = start(t, path, sqlite.Unchecked())
	done, err := s.Repair(t.Context(), noLog(t))
	if err != nil || done.Aside == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	write(t, s, batch(2001, numbered(1)...))
}
