package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// Somebody purges the stream: what the history has not read is counted, record by record.
func TestOutsideStreamPurged(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	js := admin(t, s)
	dir := t.TempDir()
	p := admit(t, outside(dir, aimdb.Cluster{URLs: []string{s.URL}}))
	log, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	const n = 15_000
	wait := p.sending(1, n)
	for i := range 3 {
		p.awaitStored(int64(3000 * (i + 1)))
		if err := log.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wait()
	p.send(n+1, n+1) // the next value of each record shows what is missing before it
	p.flush()
	p.stop()
	if uncounted := account(t, dir, n+1); uncounted > 0 {
		t.Errorf("%d values are missing that no record counts: %+v", uncounted, ledger(t, openSQL(t, dir)))
	}
}

// Somebody deletes the stream: it is created again as another log, and what the history
// has not read of the first one is counted.
func TestOutsideStreamDeleted(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	js := admin(t, s)
	dir := t.TempDir()
	p := admit(t, outside(dir, aimdb.Cluster{URLs: []string{s.URL}}))
	const n, half = 15_000, 7_500
	for i := range 2 {
		wait := p.sending(i*half+1, (i+1)*half-1)
		p.awaitStored(int64(6000 * (i + 1)))
		if err := js.DeleteStream(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
		wait()
		p.send((i+1)*half, (i+1)*half) // an idle writer learns of it with its next value
		p.said.await(t, "the log was deleted or replaced", i+1)
	}
	p.flush()
	p.stop()
	uncounted, missing := account(t, dir, n), 0
	for _, l := range ledger(t, openSQL(t, dir)) {
		if l.cause == "log_missing" {
			missing += int(l.count)
		}
	}
	if uncounted > missing || missing > uncounted+4 { // a marker is counted too
		t.Errorf("%d values are missing, and %d are counted: %+v", uncounted, missing, ledger(t, openSQL(t, dir)))
	}
	// The next start reads on, and counts nothing again.
	visit(t, outside(dir, aimdb.Cluster{URLs: []string{s.URL}}), n+1, n+100)
	if again := account(t, dir, n+100); again != uncounted {
		t.Errorf("after the next start %d values are missing, and were %d", again, uncounted)
	}
}

// Another process of the same database takes the log over. The first one says so and
// ends, and counts what it could not log: in the ledger of its next start what it had
// accepted, and in the records what came after its end.
func TestSecondWriter(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	here, there := t.TempDir(), t.TempDir()
	c := aimdb.Cluster{URLs: []string{s.URL}}
	first := admit(t, outside(here, c, lossy()...))
	first.give(1, 50)
	first.flush()
	second := admit(t, outside(there, c))
	first.give(51, 60) // into the rings, or into a database that has ended by now
	first.stopped = true
	select {
	case err := <-first.done:
		if !errors.Is(err, aimdb.ErrTakenOver) {
			t.Fatalf("the first process ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatalf("the first process does not end\n%s", first.said)
	}
	first.cancel()
	second.send(1001, 2000)
	second.flush()
	second.stop()
	db := openSQL(t, there)
	for _, key := range writerKeys() {
		var rows, distinct, old int
		if err := db.QueryRow("SELECT count(*), count(DISTINCT value_json), sum(json_extract(value_json, '$.n') <= 60) FROM record_history WHERE record_name = ?", key).Scan(&rows, &distinct, &old); err != nil {
			t.Fatal(err)
		}
		if rows != distinct || rows != 1000+old || old != 50 {
			t.Errorf("record %s: %d rows, %d of them different, %d of the first process; want 1050 and 50", key, rows, distinct, old)
		}
	}
	// The next start of the first one takes over in turn, and counts its ten.
	third := admit(t, outside(here, c, lossy()...))
	third.flush()
	third.stop()
	lost := map[string]int{}
	for _, r := range first.records {
		lost[r.Key()] = int(r.Untyped().Metrics().Dropped)
	}
	for _, l := range ledger(t, openSQL(t, here)) {
		lost[l.record] += int(l.count)
	}
	for _, key := range writerKeys() {
		if lost[key] != 10 {
			t.Errorf("record %s: %d values are counted as lost, want 10: %+v", key, lost[key], lost)
		}
	}
}

// await waits until a text was logged a number of times.
func (s *said) await(t *testing.T, text string, times int) {
	t.Helper()
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(patience); strings.Count(s.String(), text) < times; <-often.C {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was logged of %q:\n%s", text, s)
		}
	}
}
