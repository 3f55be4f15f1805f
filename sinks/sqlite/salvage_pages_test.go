package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"

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
	// zero clears the page; otherwise a bit of one of its bytes flips. id is what the ID of
	// its third row becomes, in the encoding of the file.
	zero     bool
	at, flip byte
	id       string
	// noise is the seed of random bytes that replace a part of the page.
	noise uint64
}

func (h harm) inflict(t *testing.T, path string, page uint32) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	for _, i := range h.below {
		all := children(t, data, page)
		page = all[(i+len(all))%len(all)]
	}
	switch p := data[(page-1)*pageBytes : page*pageBytes]; {
	case h.zero:
		clear(p)
	case h.noise > 0:
		r := rand.New(rand.NewPCG(h.noise, uint64(page)))
		for i := range p[r.IntN(pageBytes):] {
			p[len(p)-1-i] = byte(r.Uint32())
		}
	case h.id != "":
		row := p[binary.BigEndian.Uint16(p[12:]):] // its length, two bytes of ID, and what it holds
		copy(row[1:], h.id+string(row[3:3+row[0]]))
		copy(p[10:], p[12:14]) // the row before it was written over
	default:
		p[h.at] ^= h.flip
	}
	must(t, os.WriteFile(path, data, 0o600))
}

// Whichever page is damaged, and however: rows that a repair leaves are those that were
// stored, and those that it does not leave are lost by its account.
func TestRepairOfEachPage(t *testing.T) {
	t.Parallel()
	path := file(t)
	entries := numbered(400)
	s, stop := startStop(t, path)
	write(t, s, batch(1, entries[:200]...))
	write(t, s, batch(201, entries[200:]...))
	before := table(t, path)
	stop()
	data, err := os.ReadFile(path)
	must(t, err)
	var copied atomic.Int64
	t.Run("pages", func(t *testing.T) {
		for page := range len(data) / pageBytes {
			t.Run(fmt.Sprint(page+1), func(t *testing.T) {
				t.Parallel()
				for _, h := range []harm{{zero: true}, {at: 4, flip: 2}, {at: 13, flip: 32}, {noise: 1}, {noise: 2}} {
					path := file(t)
					must(t, os.WriteFile(path, data, 0o600))
					h.inflict(t, path, uint32(page+1))
					if repairs(t, path, before, entries) {
						copied.Add(1)
					}
				}
			})
		}
	})
	if n := int(copied.Load()); n < len(data)/pageBytes {
		t.Errorf("only %d files were copied", n)
	}
}

// repairs repairs a file and checks what is left. The log holds the second half of the
// entries. It returns whether the file was copied into a new one.
func repairs(t *testing.T, path string, before map[int64]string, entries []sinks.Entry) (copied bool) {
	s, err := sqlite.Open(path, sqlite.Unchecked(), sqlite.Logger(slog.New(slog.DiscardHandler)))
	if errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrNotDatabase) {
		return false // the next start moves it aside
	}
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		must(t, errors.Join(<-ended, s.Close()))
	}()
	found := verify(t, s).Problems
	done, err := s.Repair(t.Context(), logOf(entries[len(entries)/2:]))
	if err != nil {
		t.Errorf("%v (found %q)", err, found)
		return false
	}
	after := table(t, path)
	for id, text := range after {
		if before[id] != text {
			t.Errorf("row %d is %s, and was %s (found %q)", id, text, before[id], found)
		}
	}
	if missing := len(before) - len(after); missing != int(done.Lost) {
		t.Errorf("%d rows are missing, %+v (found %q)", missing, done, found)
	}
	if v := verify(t, s); len(v.Problems)+len(v.Damaged)+len(v.Holes) > 0 {
		t.Errorf("%+v after a repair (found %q)", v, found)
	}
	if at, err := s.Checkpoint(t.Context()); err != nil || at.Sequence != uint64(len(entries)) {
		t.Errorf("the checkpoint is %+v, %v (found %q)", at, err, found)
	}
	return done.Aside != ""
}
