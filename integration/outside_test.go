package integration

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// outside is a database whose log is on servers that other processes run.
func outside(dir string, c aimdb.Cluster, record ...aimdb.RecordOption) setup {
	return setup{dir: dir, record: record, options: []aimdb.Option{aimdb.Log(c)}}
}

// lossy are the options of records that drop values when the log does not take them.
func lossy() []aimdb.RecordOption { return []aimdb.RecordOption{aimdb.Ring(64), aimdb.Persist()} }

// sending gives each record numbers in the background. A call of the result waits until
// all of them are taken.
func (p *patient) sending(first, last int) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.send(first, last)
	}()
	return func() { <-done }
}

// give produces numbers without waiting for anything.
func (p *patient) give(first, last int) {
	for n := first; n <= last; n++ {
		for _, r := range p.records {
			r.Produce(numbered{n})
		}
	}
}

// awaitStored waits until the history holds a number of rows.
func (p *patient) awaitStored(rows int64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		s, err := p.store.Stats(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		if s.Rows >= rows {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			p.t.Fatalf("%d rows are stored, want %d", s.Rows, rows)
		}
	}
}

// account checks that each number of each record is stored at most once, and that
// what is not stored is counted: all in one entry of the record, or in its share of a
// range of the log. It returns how many values are missing that no record counts.
func account(t *testing.T, history string, last int) (uncounted int) {
	t.Helper()
	db := openSQL(t, history)
	missing, stored := map[string]int{}, storedNumbers(t, db)
	for _, key := range writerKeys() {
		seen := map[int]bool{}
		for _, n := range stored[key] {
			seen[n] = true
		}
		rows, distinct := len(stored[key]), len(seen)
		if rows != distinct || rows > last {
			t.Errorf("record %s: %d rows of %d different values, %d produced", key, rows, distinct, last)
		}
		missing[key] = last - distinct
	}
	for _, l := range ledger(t, db) {
		missing[l.record] -= int(l.count)
	}
	for _, key := range writerKeys() {
		if missing[key] < 0 {
			t.Errorf("record %s: %d values more are counted as lost than are missing", key, -missing[key])
		}
		uncounted += missing[key]
	}
	if t.Failed() {
		t.Logf("ledger: %+v", ledger(t, db))
	}
	return uncounted
}

// admin manages the streams of a server, as somebody else.
func admin(t *testing.T, s *natstest.Server) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Connect())
	if err != nil {
		t.Fatal(err)
	}
	return js
}

const stream = "AIMDB_kill"

// The log ends with a marker at each start, which nobody waits for in vain.
func TestLogOnAnOutsideServer(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	dir := t.TempDir()
	last := 0
	for _, durable := range []bool{false, true, false} {
		o := outside(dir, aimdb.Cluster{URLs: []string{s.URL}})
		if durable {
			o.options = append(o.options, aimdb.DurableLog())
		}
		visit(t, o, last+1, last+3000)
		last += 3000
		p := admit(t, o) // an orderly start and stop without a value
		p.flush()
		if v, err := p.Verify(t.Context()); err != nil || v.Verdict != aimx.Complete {
			t.Errorf("verify: %+v, %v", v, err)
		}
		p.stop()
		checkNumbers(t, dir, sent(last))
	}
	nothingLost(t, dir)
}

// A database without a directory keeps nothing on this machine.
func TestLogOnAnOutsideServerWithoutDirectory(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	dir := t.TempDir()
	o := outside(t.TempDir(), aimdb.Cluster{URLs: []string{s.URL}})
	o.history = dir
	o.options = append(o.options, aimdb.Dir(""), aimdb.DurableLog())
	visit(t, o, 1, 1000)
	visit(t, o, 1001, 2000)
	checkNumbers(t, dir, sent(2000))
	nothingLost(t, dir)
}

// Values go on in order after the server was killed and started again.
func TestOutsideServerKilled(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	dir := t.TempDir()
	p := admit(t, outside(dir, aimdb.Cluster{URLs: []string{s.URL}}))
	const n = 15_000
	wait := p.sending(1, n)
	for i := range 3 {
		p.awaitStored(int64(3000 * (i + 1)))
		s.Kill()
		s.Restart()
	}
	wait()
	p.flush()
	p.stop()
	checkNumbers(t, dir, sent(n))
	nothingLost(t, dir)
}

// A server that comes back from an older disk has lost acknowledged messages. The
// history has them, so nothing is lost, and no sequence is used for another value.
func TestOutsideServerWithAnOlderDisk(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{SyncAlways: true})
	dir := t.TempDir()
	p := admit(t, outside(dir, aimdb.Cluster{URLs: []string{s.URL}}))
	p.send(1, 1000)
	p.flush()
	s.Kill()
	older := s.CopyStore()
	s.Restart()
	p.send(1001, 2000)
	p.flush()
	s.Kill()
	s.ReplaceStore(older)
	s.Restart()
	p.send(2001, 3000)
	p.flush()
	p.said.must(t, "the log has lost acknowledged messages at its end")
	p.stop()
	checkNumbers(t, dir, sent(3000))
	nothingLost(t, dir)
}

// The same while the process does not run: its mark knows where the log had ended.
func TestOutsideServerWithAnOlderDiskAtStart(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{SyncAlways: true})
	dir := t.TempDir()
	o := outside(dir, aimdb.Cluster{URLs: []string{s.URL}})
	visit(t, o, 1, 1000)
	s.Kill()
	older := s.CopyStore()
	s.Restart()
	s.AwaitJetStream()
	visit(t, o, 1001, 2000)
	s.Kill()
	s.ReplaceStore(older)
	s.Restart()
	s.AwaitJetStream()
	visit(t, o, 2001, 3000)
	checkNumbers(t, dir, sent(3000))
	nothingLost(t, dir)
}
