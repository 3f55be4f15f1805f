package bus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// onServer opens a log on a server that another process runs.
func onServer(t *testing.T, s *natstest.Server) testBus {
	t.Helper()
	server, err := cluster.Open(t.Context(), cluster.Config{URLs: []string{s.URL}}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), server, Config{Name: "test", Shared: true, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return testBus{Bus: b}
}

// A follower reads a log that has taken the place of another one from its start, also if
// the second log is already longer than what was read of the first one.
func TestFollowAcrossADeletion(t *testing.T) {
	s := natstest.Start(t, natstest.Options{})
	b := onServer(t, s)
	for n := range 5 {
		put(t, b, fmt.Sprintf("a 1.%d", n+1))
	}
	pattern, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for m, err := range b.Follow(deadline(t), pattern, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Loss != nil {
			got = append(got, string(m.Loss.Cause))
		} else {
			got = append(got, text(&m))
		}
		if len(got) == 5 {
			if err := b.js.DeleteStream(deadline(t), b.stream); err != nil {
				t.Fatal(err)
			}
			next := onServer(t, s)
			for n := range 20 {
				put(t, next, fmt.Sprintf("a 2.%d", n+1))
			}
		}
		if last := got[len(got)-1]; last == "a 2.20" {
			break
		}
	}
	for n := range 5 {
		want = append(want, fmt.Sprintf("a 1.%d", n+1))
	}
	for n := range 20 {
		want = append(want, fmt.Sprintf("a 2.%d", n+1))
	}
	// What was logged of the first log after the last look at it is not known here.
	got = slices.DeleteFunc(got, func(m string) bool { return m == string(loss.LogMissing) })
	if !slices.Equal(got, want) {
		t.Errorf("followed %q", got)
	}
}

// A sink in another process counts what it had not read of a log that was deleted, and
// begins with the next one. It may have opened the first log when that was shorter, or have
// been away.
func TestDeletedLogReadElsewhere(t *testing.T) {
	for name, away := range map[string]bool{"running": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			s := natstest.Start(t, natstest.Options{})
			b := onServer(t, s)
			reg := registry(t)
			r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
			republish(t, b, reg)
			elsewhere := existing(t, b)
			for n := range 10 {
				if err := r.ProduceLogged(deadline(t), reading{n}); err != nil {
					t.Fatal(err)
				}
			}
			first, err := b.End(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			at := storedUpTo(t, elsewhere, fmt.Sprintf("a %d.4", b.republisher.writer.Load().runStart.Load()))
			if err := b.js.DeleteStream(deadline(t), b.stream); err != nil {
				t.Fatal(err)
			}
			if err := r.ProduceLogged(deadline(t), reading{10}); err != nil {
				t.Fatal(err)
			}
			if away {
				elsewhere = existing(t, b)
			}
			end, err := b.End(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			c, err := elsewhere.Consumer(deadline(t), "sink", at)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var values int
			var lost []loss.Loss
			for dst, last := make([]Message, 1), uint64(0); last < end.Sequence; last = dst[0].Sequence {
				if _, err := c.Next(deadline(t), dst, 1<<20, time.Time{}); err != nil {
					t.Fatal(err)
				}
				if dst[0].Loss != nil {
					lost = append(lost, *dst[0].Loss)
				} else if !dst[0].Marker {
					values++
				}
			}
			if len(lost) != 1 || lost[0].Cause != loss.LogMissing || lost[0].From != at.Sequence+1 || lost[0].To != first.Sequence || lost[0].Count != first.Sequence-at.Sequence || values != 1 {
				t.Errorf("%d values and the losses %+v; the sink had stored the log up to %d of %d", values, lost, at.Sequence, first.Sequence)
			}
		})
	}
}

// existing opens a log as another process does.
func existing(t *testing.T, b testBus) testBus {
	t.Helper()
	e, err := OpenExisting(t.Context(), b.Bus.server, Config{Name: "test", Shared: true, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return testBus{Bus: e}
}

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
