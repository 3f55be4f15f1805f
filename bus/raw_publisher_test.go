package bus

import (
	"github.com/nats-io/nats.go/jetstream"

	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
)

// silent is a server logger that discards everything.
type silent struct{}

func (silent) Noticef(string, ...any) {}
func (silent) Warnf(string, ...any)   {}
func (silent) Fatalf(string, ...any)  {}
func (silent) Errorf(string, ...any)  {}
func (silent) Debugf(string, ...any)  {}

// stalled blocks the server once while it handles messages that it has read.
type stalled struct {
	silent
	after   atomic.Int64 // messages
	release chan struct{}
}

func (s *stalled) Tracef(format string, v ...any) {
	if strings.Contains(fmt.Sprintf(format, v...), "[HPUB aimdb.test.log.a") && s.after.Add(-1) == 0 {
		<-s.release
	}
}

// tally counts the entries that the writer reports as logged.
type tally struct {
	n     atomic.Int64
	grown chan struct{}
}

func (t *tally) recycle([]entry)                     {}
func (t *tally) moved(string, jetstream.StreamState) {}
func (t *tally) logged(entries []entry, _ uint64) {
	t.n.Add(int64(len(entries)))
	select {
	case t.grown <- struct{}{}:
	default:
	}
}

// The writer closes a connection on which the server stopped reading, while the server
// still holds a part of a batch. That part must not be stored after or between the
// messages of the next connection.
func TestConnectionGivenUpWhileTheServerStillHoldsItsBytes(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir()})
	counted := &tally{grown: make(chan struct{}, 1)}
	w, err := newWriter(deadline(t), b.Bus, counted, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	raw := w.publisher.(*natsd.RawPublisher)
	raw.Timeout = 200 * time.Millisecond
	stall := &stalled{release: make(chan struct{})}
	b.server.NATS().SetLoggerV2(stall, false, true, false)
	raw.Close() // the next connection is traced
	ctx, end := context.WithCancel(deadline(t))
	done := make(chan error, 1)
	go func() { done <- w.run(ctx) }()
	defer func() { end(); <-done }()

	of := newSubjectLane("a", b.subjects.prefix(logKind)+"a")
	next := 0
	write := func() {
		entries := make([]entry, batchMax)
		for i := range entries {
			entries[i] = entry{lane: of, time: 1, logNumber: uint64(next + 1), value: fmt.Appendf(nil, `{"n":%d}`, next)}
			next++
		}
		if err := w.write(ctx, entries); err != nil {
			t.Fatal(err)
		}
	}
	until := func(what string, reached func() bool) {
		t.Helper()
		for !reached() {
			select {
			case <-counted.grown:
			case <-time.After(time.Millisecond):
			}
			if ctx.Err() != nil {
				t.Fatalf("%s was not reached", what)
			}
		}
	}
	write() // the server's buffer grows
	until("the first batch", func() bool { return counted.n.Load() == batchMax })
	stall.after.Store(50)
	connected := b.server.NATS().NumClients()
	write()
	until("another attempt", func() bool { return w.outage.State().Failures > 2 || counted.n.Load() == 2*batchMax })
	close(stall.release)
	until("the second batch", func() bool { return counted.n.Load() == 2*batchMax && b.server.NATS().NumClients() == connected })
	last, err := b.LastSequence(deadline(t))
	if err != nil || last != uint64(next) {
		t.Fatalf("the log ends at %d, want %d (%v)", last, next, err)
	}
	for i, m := range readAll(t, b, history.Position{}, next) {
		if want := fmt.Sprintf(`{"n":%d}`, i); string(m.Value) != want {
			t.Fatalf("message %d is %s, want %s", i+1, m.Value, want)
		}
	}
}
