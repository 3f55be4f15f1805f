package bus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// olderDisk is a log whose server comes back from an older disk. It lacks messages that
// the writer knows to be logged, and some that were on their way. A sink has stored three
// of these.
type olderDisk struct {
	b    testBus
	w    *writer
	lane *subjectLane
	sent *batch
	at   history.Position
}

func newOlderDisk(t *testing.T) *olderDisk {
	t.Helper()
	s := natstest.Start(t, natstest.Options{SyncAlways: true})
	d := &olderDisk{b: onServer(t, s)}
	d.lane = newSubjectLane("a", d.b.subjects.of(privateKind, []string{"a"}))
	d.w = d.write(t, d.b, 1, 5)
	s.Kill()
	older := s.CopyStore()
	s.Restart()
	s.AwaitJetStream()
	if err := d.b.insist(deadline(t), d.w, d.values(6, 10)); err != nil {
		t.Fatal(err)
	}
	d.sent = d.w.prepare(d.values(11, 15), d.w.next)
	if err := d.w.send(d.sent); err != nil {
		t.Fatal(err)
	}
	d.at = storedUpTo(t, d.b, d.value(d.w, 13))
	s.Kill()
	s.ReplaceStore(older)
	s.Restart()
	s.AwaitJetStream()
	return d
}

// values are values of one run, which are all the same.
func (d *olderDisk) values(from, to uint64) (all []entry) {
	for n := from; n <= to; n++ {
		all = append(all, entry{lane: d.lane, time: 1700000000000, value: []byte("1"), logNumber: n})
	}
	return all
}

func (d *olderDisk) value(w *writer, n int) string {
	return fmt.Sprintf("a %d.%d", w.runStart.Load(), n)
}

// write logs values with a writer of its own.
func (d *olderDisk) write(t *testing.T, b testBus, from, to uint64) *writer {
	t.Helper()
	w, err := newWriter(deadline(t), b.Bus, nobody{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	if err := b.appendEntries(deadline(t), w, d.values(from, to)); err != nil {
		t.Fatal(err)
	}
	return w
}

// reads fails the test unless the sink reads these values and losses after its checkpoint.
func (d *olderDisk) reads(t *testing.T, want ...string) {
	t.Helper()
	put(t, d.b, "end 0.1")
	last, err := d.b.LastSequence(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := consumed(t, d.b, d.at, last); !slices.Equal(got, append(want, "end 0.1")) {
		t.Errorf("the sink that has stored the log up to %d reads %q, want %q", d.at.Sequence, got, want)
	}
	v, err := d.b.Verify(deadline(t), d.at)
	if err != nil || v.Waiting["a"] != uint64(len(want)) || len(v.Announced) > 0 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

// The writer sends what was on its way again, with the sequences that it had.
func TestOlderDiskWhileValuesAreOnTheirWay(t *testing.T) {
	d := newOlderDisk(t)
	if err := d.w.recover(deadline(t), d.sent, answer{failed: errors.New("no answer")}); err != nil {
		t.Fatal(err)
	}
	d.reads(t, d.value(d.w, 14), d.value(d.w, 15))
}

// The process has ended too: what was on its way is lost, and the next run uses the
// sequences for other values. These are new to the sink, and nothing that it has is lost.
func TestOlderDiskAndAnotherRun(t *testing.T) {
	d := newOlderDisk(t)
	if err := d.b.Restore(deadline(t), d.w.next); err != nil {
		t.Fatal(err)
	}
	w := d.write(t, d.b, 1, 5)
	var want []string
	for n := range 5 {
		want = append(want, d.value(w, n+1))
	}
	d.reads(t, want...)
}

// The log is deleted while values are on their way that a sink has stored. The writer logs
// them again in the next log, and the sink passes over them.
func TestDeletedWhileValuesAreOnTheirWay(t *testing.T) {
	d := &olderDisk{b: onServer(t, natstest.Start(t, natstest.Options{}))}
	d.lane = newSubjectLane("a", d.b.subjects.of(privateKind, []string{"a"}))
	d.w = d.write(t, d.b, 1, 0)
	d.sent = d.w.prepare(d.values(1, 5), d.w.next)
	if err := d.w.send(d.sent); err != nil {
		t.Fatal(err)
	}
	d.at = storedUpTo(t, d.b, d.value(d.w, 3))
	if err := d.b.js.DeleteStream(deadline(t), d.b.stream); err != nil {
		t.Fatal(err)
	}
	if err := d.w.recover(deadline(t), d.sent, answer{failed: errors.New("no answer")}); err != nil {
		t.Fatal(err)
	}
	last, err := d.b.LastSequence(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{d.value(d.w, 4), d.value(d.w, 5)}
	for name, b := range map[string]testBus{"the process": d.b, "another one": existing(t, d.b)} {
		if got, _ := consumed(t, b, d.at, last); !slices.Equal(got, want) {
			t.Errorf("a sink of %s reads %q of the next log, want %q", name, got, want)
		}
		if got, _ := consumed(t, b, history.Position{}, last); len(got) != 5 {
			t.Errorf("a new sink of %s reads %q", name, got)
		}
	}
}

// storedUpTo reads the log as a sink up to a message, and returns its position.
func storedUpTo(t *testing.T, b testBus, last string) history.Position {
	t.Helper()
	c, err := b.Consumer(deadline(t), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for dst := make([]Message, 1); ; {
		if _, err := c.Next(deadline(t), dst, 1<<20, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if text(&dst[0]) == last {
			return history.Position{Log: b.Identity(), Sequence: dst[0].Sequence, Message: dst[0].Fingerprint()}
		}
	}
}
