package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestSinkRewind: a history is rebuilt while its sink runs under load. The process
// continues with the new one, and the old one is kept.
func TestSinkRewind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.sink("sqlite", "a.db", "active")
	w.produce(200)
	stop := w.load()
	defer stop()
	out := aimdb(t, w.args("sink", "rewind", "sqlite-a", "--to", "1", "--store", filepath.Join(w.dir, "a.db"))...).ok(t)
	if !strings.Contains(out, "the new history begins with message 1;") {
		t.Errorf("it said %s", out)
	}
	c.says("the store has restarted with what is at its path")
	stop()
	w.produce(10)
	w.stored("sqlite-a")
	w.holds("a.db", 1)
	w.keptHas(t, 1)
	if s := w.state("sqlite-a-rewind", "not running"); s != nil {
		t.Errorf("the rebuilding has left a sink: %+v", s)
	}
}

// keptHas fails the test unless there is one old history, which has a part of the values.
func (w *elsewhereWorld) keptHas(t *testing.T, histories int) {
	t.Helper()
	old, err := filepath.Glob(filepath.Join(w.dir, "a.db.replaced-*Z"))
	if err != nil || len(old) != histories {
		t.Fatalf("old histories %v, %v", old, err)
	}
	r := aimdb(t, "history", "query", old[0], "n::a", "--range", "--from", "0", "--format", "ndjson").ok(t)
	if n := strings.Count(r, "\n"); n < 200 {
		t.Errorf("the old history has %d rows", n)
	}
}

// TestSinkRewindInPart: what the log is not read for is in the new history only if it is
// copied. No process runs the sink.
func TestSinkRewindInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.sink("sqlite", "a.db", "active")
	w.produce(100)
	w.stored("sqlite-a")
	middle := w.state("sqlite-a", "active").Checkpoint + 1
	w.produce(100)
	w.stored("sqlite-a")
	c.interrupt()
	rewind := func(more ...string) string {
		args := append([]string{"sink", "rewind", "sqlite-a", "--to", fmt.Sprint(middle), "--store", filepath.Join(w.dir, "a.db")}, more...)
		return aimdb(t, w.args(args...)...).ok(t)
	}
	if out := rewind("--keep-older"); !strings.Contains(out, "100 older rows were copied") {
		t.Errorf("it said %s", out)
	}
	s := w.rows("a.db")
	if len(s) != 200 || s[0] != "101" || s[199] != "100" {
		t.Errorf("%d rows from %s to %s", len(s), s[0], s[len(s)-1])
	}
	rewind()
	w.holds("a.db", 101)
	w.sink("sqlite", "a.db", "active")
	w.produce(10)
	w.stored("sqlite-a")
	w.holds("a.db", 101)
	aimdb(t, w.args("sink", "rewind", "sqlite-a", "--to", "1", "--store", filepath.Join(w.t.TempDir(), "no.db"))...).fails(t, exitFailed, "there is no history")
}

// TestSinkDeadLetters lists, retries and drops, while a process has the history open.
func TestSinkDeadLetters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	withStore(t, path, func(s *sqlite.Store) {
		b := &sinks.Batch{Checkpoint: history.Position{Log: "test", Sequence: 3}}
		for n := uint64(1); n <= 3; n++ {
			e := sinks.Entry{Sequence: n, Record: "a", Time: base + int64(n), Value: fmt.Append(nil, n)}
			b.Refused = append(b.Refused, sinks.Refusal{Entry: e, Reason: "too large"})
			b.Losses = append(b.Losses, loss.Loss{Record: "a", Cause: loss.SinkRefused, Count: 1, From: n, To: n})
		}
		if err := sinktest.Append(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
		letters := func(args ...string) result {
			return aimdb(t, append([]string{"sink", "dead-letters", path}, args...)...)
		}
		if out := letters("list").ok(t); strings.Count(out, "too large") != 3 {
			t.Errorf("the list is %s", out)
		}
		if out := letters("retry", "2").ok(t); out != "1 of 1 dead letter stored\n" {
			t.Error(out)
		}
		r := letters("retry", "2", "3")
		r.fails(t, exitFailed, "store the dead letter 2", "there is no such dead letter")
		if r.stdout != "1 of 2 dead letters stored\n" {
			t.Error(r.stdout)
		}
		if out := letters("drop", "--all").ok(t); out != "1 of 1 dead letter dropped\n" {
			t.Error(out)
		}
		stats, err := s.Stats(t.Context())
		if err != nil || stats.Rows != 2 || stats.DeadLetters != 0 || stats.Lost != 1 {
			t.Errorf("%+v, %v", stats, err)
		}
		// The sink that has the history open continues at its checkpoint.
		next := &sinks.Batch{Entries: []sinks.Entry{{Sequence: 4, Record: "a", Time: base + 4, Value: []byte("4")}}, Checkpoint: history.Position{Log: "test", Sequence: 4}}
		if err := sinktest.Append(t.Context(), s, next); err != nil {
			t.Fatal(err)
		}
	})
	out := aimdb(t, "history", "query", path, "a", "--range", "--from", "0", "--format", "ndjson").ok(t)
	if n := strings.Count(out, "\n"); n != 3 {
		t.Errorf("rows %s", out)
	}
}
