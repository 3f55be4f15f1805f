package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/cluster"
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
	t.Parallel()
	for name, away := range map[string]bool{"running": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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

// A writer that starts logs what the last stop has noted although an earlier one still
// writes, which then learns that the log was taken over.
func TestTwoWriters(t *testing.T) {
	s := natstest.Start(t, natstest.Options{})
	b := onServer(t, s)
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 10, Logged: true, Lossless: []string{records.LogReader}})
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	ended := make(chan error, 1)
	first := b.Republisher(reg)
	go func() { ended <- first.Run(ctx) }()
	if err := r.ProduceLogged(deadline(t), reading{1}); err != nil {
		t.Fatal(err)
	}
	next := onServer(t, s)
	w, err := newWriter(deadline(t), next.Bus, nobody{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	put(t, b, "a 0.1") // the log goes on: the writer that starts does not know its end
	if err := next.insist(deadline(t), w, next.tombstones(1, 3)); err != nil {
		t.Fatal(err)
	}
	r.Produce(reading{2})
	if err := <-ended; !errors.Is(err, ErrTakenOver) {
		t.Errorf("the first writer ended with %v", err)
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("the first writer ended only with its context: %v", err)
	}
}
