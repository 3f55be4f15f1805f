package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// Target is the kind of sink under test.
type Target struct {
	// Open opens the sink that lies in a directory, and returns what closes
	// it. Opened again in the same directory, it has what it had before.
	Open func(t testing.TB, dir string) (sinks.Sink, func())
	// Shared opens the sink in a directory once more while it is open. It is nil if the
	// kind of sink allows one writer only.
	Shared func(t testing.TB, dir string) (sinks.Sink, func())
	// Entries, DeadLetters and Losses read back what is stored, each record in
	// the order it was written. The sequences of entries may be left out.
	Entries     func(t testing.TB, s sinks.Sink) []sinks.Entry
	DeadLetters func(t testing.TB, s sinks.Sink) []sinks.Refusal
	Losses      func(t testing.TB, s sinks.Sink) []loss.Loss
	// Holes reads back the holes in the numbers of records. It is nil if the sink does not
	// follow numbers.
	Holes func(t testing.TB, s sinks.Sink) []history.Hole
	// Poison is an entry that the sink refuses for good.
	Poison sinks.Entry
}

// Run runs the suite.
func Run(t *testing.T, target Target) {
	t.Run("a new sink has no checkpoint", target.fresh)
	t.Run("batches are stored with their checkpoint", target.batches)
	t.Run("values keep the version of their shape", target.shapes)
	t.Run("values are not kept after Write", target.borrowed)
	t.Run("a refused batch leaves nothing behind", target.refusedWhole)
	t.Run("an ended context stores a batch or nothing", target.ended)
	t.Run("what is stored survives a restart", target.restart)
	t.Run("redelivered values are stored once", target.redelivery)
	t.Run("a checkpoint set back takes the sequences after it again", target.setBack)
	t.Run("a log that is over is forgotten", target.forgets)
	t.Run("a crash between write and checkpoint stores once", target.crash)
	t.Run("an answer lost after the commit stores once", target.lostAnswer)
	t.Run("a refused batch names all refused entries or none", target.refusedNamed)
	t.Run("a refused value is a dead letter, the rest goes on", target.refusal)
	t.Run("a refused value that is not named is found", target.refusalUnnamed)
	t.Run("losses reach the ledger once", target.losses)
	t.Run("a clock set back keeps the order", target.clock)
	t.Run("numbers that are skipped are holes", target.holes)
	t.Run("a batch that does not follow the checkpoint is not stored", target.fence)
	t.Run("of two writers one stores a batch", target.twoWriters)
}

func (x Target) open(t testing.TB) sinks.Sink {
	t.Helper()
	s, closeSink := x.Open(t, t.TempDir())
	t.Cleanup(closeSink)
	return s
}

func entry(n int) sinks.Entry {
	return sinks.Entry{
		Sequence: uint64(n), Record: fmt.Sprintf("test::r%d", n%3),
		Time: 1_700_000_000_000 + int64(n), Value: fmt.Appendf(nil, `{"n":%d,"s":"grün"}`, n),
	}
}

func message(n int) bus.Message {
	e := entry(n)
	return bus.Message{Sequence: e.Sequence, Record: e.Record, Time: e.Time, Value: e.Value}
}

func batch(log string, from, to int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: log, Sequence: uint64(to)}}
	for n := from; n <= to; n++ {
		b.Entries = append(b.Entries, entry(n))
	}
	return b
}

// Append writes a batch after whatever the sink has: it sets Batch.Previous to the
// checkpoint of the sink.
func Append(ctx context.Context, s sinks.Sink, b *sinks.Batch) (err error) {
	if b.Previous, err = s.Checkpoint(ctx); err != nil {
		return err
	}
	return s.Write(ctx, b)
}

func write(t testing.TB, s sinks.Sink, b *sinks.Batch) {
	t.Helper()
	if err := Append(t.Context(), s, b); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// holds fails the test unless the sink has exactly the entries 1 to n, in
// order, and the checkpoint that belongs to them.
func (x Target) holds(t testing.TB, s sinks.Sink, log string, n int) {
	t.Helper()
	x.contains(t, s, 1, n)
	checkpoint(t, s, history.Position{Log: log, Sequence: uint64(n)})
}

func (x Target) contains(t testing.TB, s sinks.Sink, from, to int) {
	t.Helper()
	var want []sinks.Entry
	for n := from; n <= to; n++ {
		want = append(want, entry(n))
	}
	x.equal(t, s, want)
}

// equal fails the test unless the sink has exactly these entries, those of each
// record in their order. In which order records come is up to the sink.
func (x Target) equal(t testing.TB, s sinks.Sink, want []sinks.Entry) {
	t.Helper()
	got := x.Entries(t, s)
	if len(got) != len(want) {
		t.Fatalf("the sink has %d entries, want %d", len(got), len(want))
	}
	byRecord := func(a, b sinks.Entry) int { return strings.Compare(a.Record, b.Record) }
	slices.SortStableFunc(got, byRecord)
	slices.SortStableFunc(want, byRecord)
	for i, g := range got {
		w := want[i]
		if g.Record != w.Record || g.Time != w.Time || string(g.Value) != string(w.Value) {
			t.Fatalf("by record, entry %d is %s %d %s, want %s %d %s", i, g.Record, g.Time, g.Value, w.Record, w.Time, w.Value)
		}
	}
}

func checkpoint(t testing.TB, s sinks.Sink, want history.Position) {
	t.Helper()
	got, err := s.Checkpoint(t.Context())
	if err != nil || got != want {
		t.Fatalf("checkpoint %v (%v), want %v", got, err, want)
	}
}

func (x Target) fresh(t *testing.T) {
	s := x.open(t)
	x.holds(t, s, "", 0)
	if s.Name() == "" {
		t.Fatal("a sink needs a name")
	}
}

func (x Target) setBack(t *testing.T) {
	s := x.open(t)
	write(t, s, batch("log", 1, 10))
	write(t, s, &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: 5}})
	checkpoint(t, s, history.Position{Log: "log", Sequence: 5})
	write(t, s, batch("log", 6, 8))
	checkpoint(t, s, history.Position{Log: "log", Sequence: 8})
	if n := len(x.Entries(t, s)); n != 13 {
		t.Errorf("%d values, want the 10 from before and 3 new ones", n)
	}
}

func (x Target) forgets(t *testing.T) {
	dir := t.TempDir()
	s, closeSink := x.Open(t, dir)
	write(t, s, batch("log", 1, 10))
	write(t, s, &sinks.Batch{})
	checkpoint(t, s, history.Position{})
	closeSink()
	s, closeSink = x.Open(t, dir)
	defer closeSink()
	checkpoint(t, s, history.Position{})
	write(t, s, batch("next", 1, 3))
	checkpoint(t, s, history.Position{Log: "next", Sequence: 3})
	if n := len(x.Entries(t, s)); n != 13 {
		t.Errorf("%d values, want the 10 of the log that is over and 3 new ones", n)
	}
}

func (x Target) batches(t *testing.T) {
	s := x.open(t)
	write(t, s, batch("log", 1, 1))
	x.holds(t, s, "log", 1)
	write(t, s, batch("log", 2, 3000))
	x.holds(t, s, "log", 3000)
	empty := batch("log", 1, 0)
	empty.Checkpoint.Sequence = 3005
	write(t, s, empty)
	checkpoint(t, s, history.Position{Log: "log", Sequence: 3005})
	fingerprint := history.Fingerprint{Time: 1_700_000_000_123_456_789, Hash: 1<<63 + 5}
	write(t, s, &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: 3006, Message: fingerprint}})
	checkpoint(t, s, history.Position{Log: "log", Sequence: 3006, Message: fingerprint})
	other := &sinks.Batch{Checkpoint: history.Position{Log: "other", Sequence: 0}}
	write(t, s, other)
	checkpoint(t, s, other.Checkpoint)
}

func (x Target) borrowed(t *testing.T) {
	s := x.open(t)
	b := batch("log", 1, 10)
	write(t, s, b)
	for _, e := range b.Entries {
		clear(e.Value)
	}
	x.holds(t, s, "log", 10)
}

func (x Target) poisoned(from, to, at int) *sinks.Batch {
	b := batch("log", from, to)
	sequence := b.Entries[at].Sequence
	b.Entries[at] = x.Poison
	b.Entries[at].Sequence = sequence
	return b
}

func (x Target) refusedWhole(t *testing.T) {
	s := x.open(t)
	write(t, s, batch("log", 1, 5))
	if err := Append(t.Context(), s, x.poisoned(6, 15, 7)); !sinks.Refused(err) {
		t.Fatalf("the poison gave %v, want a RefusedError", err)
	}
	x.holds(t, s, "log", 5)
}

func (x Target) refusedNamed(t *testing.T) {
	s := x.open(t)
	b := x.poisoned(1, 10, 2)
	b.Entries[7] = b.Entries[2]
	b.Entries[7].Sequence = 8
	var refused *sinks.RefusedError
	if err := s.Write(t.Context(), b); !errors.As(err, &refused) {
		t.Fatalf("the poison gave %v, want a RefusedError", err)
	}
	if refused.Reason == nil || len(refused.Entries) != 0 && (len(refused.Entries) != 2 || refused.Entries[2] == nil || refused.Entries[7] == nil) {
		t.Errorf("refused for %v: %v, want the entries 2 and 7 with their reasons, or none", refused.Reason, refused.Entries)
	}
}

func (x Target) ended(t *testing.T) {
	s := x.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, batch("log", 1, 100)); err != nil {
		x.holds(t, s, "", 0)
		return
	}
	x.holds(t, s, "log", 100)
}

func (x Target) restart(t *testing.T) {
	dir := t.TempDir()
	s, closeSink := x.Open(t, dir)
	write(t, s, batch("log", 1, 20))
	closeSink()
	s, closeSink = x.Open(t, dir)
	defer closeSink()
	x.holds(t, s, "log", 20)
	write(t, s, batch("log", 21, 30))
	x.holds(t, s, "log", 30)
}
