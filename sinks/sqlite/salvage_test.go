package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const pageBytes = 4096

// root returns the root page of a table.
func root(t *testing.T, path, table string) (page uint32) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	must(t, db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&page))
	return page
}

// children returns the pages below an interior page, in the order of their keys.
func children(t *testing.T, data []byte, page uint32) (all []uint32) {
	t.Helper()
	p := data[(page-1)*pageBytes : page*pageBytes]
	if p[0] != 5 {
		t.Fatalf("page %d has the type %d and is no interior page of a table", page, p[0])
	}
	for i := range int(binary.BigEndian.Uint16(p[3:])) {
		cell := binary.BigEndian.Uint16(p[12+2*i:])
		all = append(all, binary.BigEndian.Uint32(p[cell:]))
	}
	return append(all, binary.BigEndian.Uint32(p[8:]))
}

// harm is what happens to the page of a table: below says which child of which child of its
// root.
type harm struct {
	table string
	below []int
	// zero clears the page; otherwise a bit of one of its bytes flips.
	zero     bool
	at, flip byte
}

func (h harm) inflict(t *testing.T, path string, page uint32) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	for _, i := range h.below {
		all := children(t, data, page)
		page = all[(i+len(all))%len(all)]
	}
	if p := data[(page-1)*pageBytes : page*pageBytes]; h.zero {
		clear(p)
	} else {
		p[h.at] ^= h.flip
	}
	must(t, os.WriteFile(path, data, 0o600))
}

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

// Whichever page is damaged, and however: rows that a repair leaves are those that were
// stored, and those that it does not leave are in the ledger.
func TestRepairOfEachPage(t *testing.T) {
	path := file(t)
	entries := numbered(1200)
	s, stop := startStop(t, path)
	first := batch(1, entries[:600]...)
	first.Losses = []loss.Loss{{Record: "r0", Cause: loss.RingOverrun, Count: 7}}
	write(t, s, first)
	write(t, s, batch(601, entries[600:]...))
	before := table(t, path)
	stop()
	data, err := os.ReadFile(path)
	must(t, err)
	repaired := 0
	for page := range len(data) / pageBytes {
		for _, h := range []harm{{zero: true}, {at: 3, flip: 16}, {at: 4, flip: 2}, {at: 6, flip: 64}, {at: 9, flip: 4}, {at: 13, flip: 32}} {
			path := file(t)
			must(t, os.WriteFile(path, data, 0o600))
			h.inflict(t, path, uint32(page+1))
			s, err := sqlite.Open(path, sqlite.Unchecked(), sqlite.Logger(slog.New(slog.DiscardHandler)))
			if errors.Is(err, sqlite.ErrCorrupt) || page == 0 && err != nil {
				continue // it is moved aside
			}
			must(t, err)
			stop := runs(t, s)
			found := verify(t, s)
			done, err := s.Repair(t.Context(), logOf(entries[600:]))
			if err != nil {
				t.Errorf("page %d, %+v: %v (found %q)", page+1, h, err, found.Problems)
				stop()
				continue
			}
			after := table(t, path)
			for id, text := range after {
				if before[id] != text {
					t.Errorf("page %d, %+v: row %d is %s, and was %s", page+1, h, id, text, before[id])
				}
			}
			if missing := len(before) - len(after); missing != int(done.Lost) {
				t.Errorf("page %d, %+v: %d rows are missing, %+v (found %q)", page+1, h, missing, done, found.Problems)
			}
			if v := verify(t, s); len(v.Problems)+len(v.Damaged)+len(v.Holes) > 0 {
				t.Errorf("page %d, %+v: %+v after a repair (found %q)", page+1, h, v, found.Problems)
			}
			if at, err := s.Checkpoint(t.Context()); err != nil || at.Sequence != 1200 {
				t.Errorf("page %d, %+v: the checkpoint is %+v, %v", page+1, h, at, err)
			}
			if done.Aside != "" {
				repaired++
			}
			stop()
		}
	}
	t.Logf("%d of %d were copied", repaired, len(data)/pageBytes*6)
	if repaired < len(data)/pageBytes {
		t.Errorf("only %d files were copied", repaired)
	}
}

// runs runs the writer of a store until the function that it returns is called.
func runs(t *testing.T, s *sqlite.Store) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
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
	next := batch(uint64(last), entries[last-1], entry("new", 1, "1"), entry("new", 2, "2"))
	if err := s.Write(t.Context(), next); !errors.Is(err, sqlite.ErrGone) {
		t.Errorf("a write that has not asked for the checkpoint: %v", err)
	}
	if at, err := s.Checkpoint(t.Context()); err != nil || at.Sequence != uint64(last) {
		t.Errorf("the checkpoint is %+v, %v", at, err)
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
