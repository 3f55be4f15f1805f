package aimdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// checked is a store that proves its rows: it finds what a test tells it to find.
type checked struct {
	*sqlite.Store
	damaged []history.DamagedRows
	holes   []history.Hole
	// before is called at the start of Verify.
	before func()
	// restored are the rows that a repair has read from the log.
	restored []history.Row
}

func (c *checked) Verify(ctx context.Context) (v history.Verification, err error) {
	if c.before != nil {
		c.before()
	}
	at, err := c.Position(ctx)
	if err != nil {
		return v, err
	}
	stats, err := c.Stats(ctx)
	v.Position, v.Damaged, v.Holes = at.Position, c.damaged, c.holes
	for _, r := range stats.Records {
		v.Records = append(v.Records, history.VerifiedRecord{Record: r.Record, Rows: r.Rows})
	}
	return v, err
}

func (c *checked) Repair(ctx context.Context, read func(context.Context, uint64, uint64) iter.Seq2[history.Row, error]) (done history.Repaired, err error) {
	for row, err := range read(ctx, 3, 7) {
		if err != nil {
			return done, err
		}
		c.restored = append(c.restored, row)
	}
	c.damaged, done.Restored = nil, int64(len(c.restored))
	return done, nil
}

// verifyStopped verifies a database that does not run. change may be nil.
func verifyStopped(t *testing.T, dir string, change func(*checked)) aimdb.Verification {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"), sqlite.Strict())
	if err != nil {
		t.Fatal(err)
	}
	backend := &checked{Store: store}
	if change != nil {
		change(backend)
	}
	db, err := aimdb.OpenStopped(t.Context(), aimdb.Config{Dir: dir, Backend: backend})
	if err != nil {
		t.Fatal(err)
	}
	v, err := db.Verify(t.Context())
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return v
}

func wantVerdict(t *testing.T, v aimdb.Verification, want aimx.Verdict) {
	t.Helper()
	if v.Verdict != want {
		t.Errorf("the verdict is %s, want %s\nunknown: %.1000s\nknown: %.1000s\nnotes: %q", v.Verdict, want, fmt.Sprint(v.Unknown), fmt.Sprint(v.Known), v.Notes)
	}
}

// remember returns what puts a file or directory back as it is now.
func remember(t *testing.T, path string) (restore func()) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), "kept")
	copyAll(t, path, kept)
	return func() {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		copyAll(t, kept, path)
	}
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		var data []byte
		if data, err = os.ReadFile(from); err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func glob(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// sum adds the ranges of a cause, without the shares of records.
func sum(all []aimx.Finding, cause loss.Cause) (n uint64) {
	for _, f := range all {
		if f.Cause == cause && !f.Share() {
			n += f.Count
		}
	}
	return n
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// flipValue changes a bit of the message with a value.
func flipValue(t *testing.T, dir, value string) {
	t.Helper()
	path := glob(t, dir, "log/jetstream/*/streams/*/msgs/*.blk")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	number := []byte("Aimdb-Number: ")
	i := bytes.LastIndex(data, []byte(value))
	if i < 0 || bytes.LastIndex(data[:i], number) < 0 {
		t.Fatalf("the log has no value %s", value)
	}
	data[i] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
