package integration

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A damaged history is moved aside and rebuilt from the log. Damage that shows
// only when a page is read may take one start that fails.
func TestDamagedHistoryIsRebuiltFromTheLog(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(data []byte) []byte{
		"all but the first bytes": func(data []byte) []byte { return data[100:] },
		"the pages in the middle": func(data []byte) []byte { return data[len(data)/4 : len(data)*3/4] },
		"the last pages":          func(data []byte) []byte { return data[len(data)/2:] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			visit(t, setup{dir: dir}, 1, 1000)
			damaged := overwrite(t, filepath.Join(dir, "history.db"), damage)

			p := readmit(t, setup{dir: dir})
			p.send(1001, 1100)
			p = p.flushOrReadmit(setup{dir: dir})
			p.stop()
			checkNumbers(t, dir, sent(1100))
			aside := asides(t, dir)
			if len(aside) != 1 {
				t.Fatalf("moved aside: %v, want one file", aside)
			}
			kept, err := os.ReadFile(aside[0])
			if err != nil {
				t.Fatal(err)
			}
			if len(kept) < len(damaged) {
				t.Errorf("what was moved aside has %d bytes, the damaged file had %d", len(kept), len(damaged))
			}
		})
	}
}

// readmit starts a database until it serves, as who watches over it does, but
// not more than twice.
func readmit(t *testing.T, s setup) *patient {
	t.Helper()
	p, err := tryAdmit(t, s)
	if err == nil {
		return p
	}
	t.Logf("the first start ended with: %v", err)
	if !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("the first start does not say that the history is damaged: %v", err)
	}
	return admit(t, s)
}

// flushOrReadmit flushes. Where the damage shows only in the pages that this
// takes, the database ends and says so, and the next start deals with it.
func (p *patient) flushOrReadmit(s setup) *patient {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	err := p.Flush(ctx)
	if err == nil {
		return p
	}
	if ctx.Err() != nil {
		p.t.Fatalf("the database neither flushed nor ended: %v", err)
	}
	p.stopped = true
	p.cancel()
	if err := <-p.done; !errors.Is(err, sqlite.ErrCorrupt) {
		p.t.Fatalf("the database ended with %v and does not say that the history is damaged", err)
	}
	next := admit(p.t, s)
	next.flush()
	return next
}

// Who asked for it gets an error instead, and the file stays as it is.
func TestStrictRefusesADamagedHistory(t *testing.T) {
	dir := t.TempDir()
	visit(t, setup{dir: dir}, 1, 100)
	path := filepath.Join(dir, "history.db")
	damaged := overwrite(t, path, func(data []byte) []byte { return data[100:] })
	_, err := tryAdmit(t, setup{dir: dir, store: []sqlite.Option{sqlite.Strict()}})
	if !errors.Is(err, sqlite.ErrCorrupt) || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("start over a damaged history: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
		t.Errorf("the damaged file has changed (%v)", err)
	}
	if aside := asides(t, dir); len(aside) > 0 {
		t.Errorf("moved aside: %v", aside)
	}
}

// overwrite puts noise over a part of a file and returns what is in it then.
func overwrite(t *testing.T, path string, part func(data []byte) []byte) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noise := rand.NewChaCha8([32]byte{1})
	if _, err := noise.Read(part(data)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
	return data
}

// asides are the damaged files that were moved aside, without what belongs to
// them.
func asides(t *testing.T, dir string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "history.db.corrupt-*Z"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
