package pump_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// The checkpoint truth table: the result of each accident to a log or a sink. A world is
// one database that is started and stopped repeatedly. The sink survives in the test's
// memory, the log in dir.
type world struct {
	t    *testing.T
	dir  string
	sink *memory.Sink
	next int
	// lose makes the consumer fail together with the messages it is about to return.
	lose atomic.Bool
}

// losable is a source whose consumers can be lost.
type losable struct {
	pump.Source
	lose *atomic.Bool
}

func (l losable) Open(ctx context.Context, sink string, from history.Position) (pump.Stream, error) {
	s, err := l.Source.Open(ctx, sink, from)
	return losableStream{s, l.lose}, err
}

type losableStream struct {
	pump.Stream
	lose *atomic.Bool
}

func (s losableStream) Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (int, error) {
	n, err := s.Stream.Next(ctx, dst, maxBytes, until)
	if err == nil && s.lose.CompareAndSwap(true, false) {
		return 0, bus.ErrConsumerLost
	}
	return n, err
}

func newWorld(t *testing.T) *world {
	return &world{t: t, dir: t.TempDir(), sink: &memory.Sink{}}
}

// day starts the database, produces n values, and stops it. With a pump all
// of them are stored, without one they stay in the log.
func (w *world) day(n int, pumped bool, c bus.Config, while ...func(*bus.Bus)) {
	w.t.Helper()
	b, closeLog := openLog(w.t, w.dir, c)
	reg := records.NewRegistry(records.RegistryOptions{})
	r, err := records.Register[int](reg, "n", records.Config{Kind: records.Ring, Capacity: 10_000, Logged: true})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	rep := b.Republisher(reg)
	done, running := make(chan error, 2), 1
	go func() { done <- rep.Run(ctx) }()
	for range n {
		w.next++
		r.Produce(w.next)
	}
	last, err := b.Flush(within(w.t), reg)
	if err != nil {
		w.t.Fatal(err)
	}
	if pumped {
		p, err := pump.New(pump.Config{Source: losable{pump.FromBus(b), &w.lose}, Sink: w.sink})
		if err != nil {
			w.t.Fatal(err)
		}
		running++
		go func() { done <- p.Run(ctx) }()
		if err := p.WaitStored(within(w.t), last); err != nil {
			w.t.Fatal(err)
		}
		for _, do := range while {
			do(b)
		}
		if len(while) > 0 {
			w.next++
			r.Produce(w.next)
			if last, err = b.Flush(within(w.t), reg); err == nil {
				err = p.WaitStored(within(w.t), last)
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	cancel()
	for range running {
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
	reg.Close()
	if err := closeLog(); err != nil {
		w.t.Fatal(err)
	}
}

// has fails the test unless the sink has exactly these ranges of values.
func (w *world) has(ranges ...[2]int) {
	w.t.Helper()
	var want []string
	for _, r := range ranges {
		for n := r[0]; n <= r[1]; n++ {
			want = append(want, fmt.Sprint(n))
		}
	}
	got := w.sink.Entries()
	for i := range min(len(got), len(want)) {
		if string(got[i].Value) != want[i] {
			w.t.Fatalf("row %d is %s, want %s", i, got[i].Value, want[i])
		}
	}
	if len(got) != len(want) {
		w.t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

func (w *world) lost(want ...loss.Loss) {
	w.t.Helper()
	got := w.sink.Losses()
	if len(got) != len(want) {
		w.t.Fatalf("losses %+v, want %+v", got, want)
	}
	for i := range got {
		got[i].FirstTime, got[i].LastTime = 0, 0
		if got[i] != want[i] {
			w.t.Fatalf("loss %+v, want %+v", got[i], want[i])
		}
	}
}

func (w *world) copyLog(to string) {
	w.t.Helper()
	if err := os.CopyFS(to, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) useLog(from string) {
	w.t.Helper()
	w.deleteLog()
	if err := os.CopyFS(w.dir, os.DirFS(from)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deleteLog() {
	w.t.Helper()
	if err := os.RemoveAll(w.dir); err != nil {
		w.t.Fatal(err)
	}
}

// Log deleted: the sink keeps its values, the messages it had not read are reported as
// lost, and the new log is read from its start.
func TestLogDeleted(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	w.day(5, false, bus.Config{})
	w.deleteLog()
	w.day(10, true, bus.Config{})
	w.has([2]int{1, 10}, [2]int{16, 25})
	w.lost(loss.Loss{Cause: loss.LogMissing, From: 11})
	w.day(10, true, bus.Config{})
	w.has([2]int{1, 10}, [2]int{16, 35})
	w.lost(loss.Loss{Cause: loss.LogMissing, From: 11})
}

// Sink database deleted: everything the log still has is stored again.
func TestSinkDeleted(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	w.sink = &memory.Sink{}
	w.day(10, true, bus.Config{})
	w.has([2]int{1, 20})
	w.lost()
}

// Sink restored from an older copy: values after the copy are stored again.
func TestSinkRestoredFromAnOlderCopy(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	at, err := w.sink.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	older := &memory.Sink{}
	if err := sinktest.Append(t.Context(), older, &sinks.Batch{Entries: w.sink.Entries(), Checkpoint: at}); err != nil {
		t.Fatal(err)
	}
	w.day(10, true, bus.Config{})
	w.sink = older
	w.day(10, true, bus.Config{})
	w.has([2]int{1, 30})
	w.lost()
}

// Log of another database of the same name: as a deleted log. Its values are stored.
func TestLogOfAnotherDatabase(t *testing.T) {
	other := newWorld(t)
	other.next = 100
	other.day(5, false, bus.Config{})
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	w.useLog(other.dir)
	w.day(1, true, bus.Config{})
	w.has([2]int{1, 10}, [2]int{101, 105}, [2]int{11, 11})
	w.lost(loss.Loss{Cause: loss.LogMissing, From: 11})
}

// Log created again and already longer than the checkpoint: it is not mistaken for the
// old one.
func TestLogMadeAnewAndLonger(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	w.deleteLog()
	w.day(50, false, bus.Config{})
	w.day(1, true, bus.Config{})
	w.has([2]int{1, 61})
	w.lost(loss.Loss{Cause: loss.LogMissing, From: 11})
}

// Log restored from an older copy, or its tail lost in a power failure: repeated
// sequences are new values, and none is skipped.
func TestLogLostItsTail(t *testing.T) {
	for _, n := range []int{5, 10, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t)
			w.day(10, true, bus.Config{})
			older := filepath.Join(t.TempDir(), "older")
			w.copyLog(older)
			w.day(10, true, bus.Config{})
			w.useLog(older)
			w.day(n, true, bus.Config{})
			w.has([2]int{1, 20 + n})
			w.lost()
		})
	}
}

// Consumer deleted while it is read: another continues after the checkpoint.
func TestConsumerDeleted(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{}, func(*bus.Bus) { w.lose.Store(true) })
	if w.lose.Load() {
		t.Fatal("the consumer was not lost")
	}
	w.has([2]int{1, 11})
	w.lost()
}

// Limit reached before the sink read: the ledger has the exact range, and also the
// record's numbers, because the run began after the checkpoint.
func TestLimitReachedWhileTheSinkWasAway(t *testing.T) {
	w := newWorld(t)
	w.day(10, true, bus.Config{})
	var first uint64
	w.day(5000, false, bus.Config{MaxBytes: 64 << 10})
	b, closeLog := openLog(t, w.dir, bus.Config{MaxBytes: 64 << 10})
	s, err := b.Stats(within(t))
	if err != nil {
		t.Fatal(err)
	}
	first = s.FirstSequence
	if err := closeLog(); err != nil {
		t.Fatal(err)
	}
	if first < 1000 {
		t.Fatalf("the log starts at %d: the limit had no effect", first)
	}
	w.day(0, true, bus.Config{MaxBytes: 64 << 10})
	w.has([2]int{1, 10}, [2]int{int(first), 5010})
	w.lost(loss.Loss{Cause: loss.LogDiscarded, From: 11, To: first - 1, Count: first - 11},
		loss.Loss{Record: "n", Run: 10, Cause: loss.LogDiscarded, From: 1, To: first - 11, Count: first - 11})
}
