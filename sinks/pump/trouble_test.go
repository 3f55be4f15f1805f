package pump_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// away is a sink that is unavailable or stuck on demand.
type away struct {
	memory.Sink
	down  atomic.Bool
	stuck chan struct{} // non-nil: Write waits for it
}

func (s *away) Write(ctx context.Context, b *sinks.Batch) error {
	if s.stuck != nil {
		select {
		case <-s.stuck:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.down.Load() {
		return errors.New("the disk is full")
	}
	return s.Sink.Write(ctx, b)
}

func run(t testing.TB, c pump.Config) *pump.Pump {
	t.Helper()
	c.RetryMin, c.RetryMax = time.Millisecond, 5*time.Millisecond
	p, err := pump.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func values(n int) []bus.Message {
	all := make([]bus.Message, n)
	for i := range all {
		all[i] = bus.Message{Record: "a", Time: int64(i), Value: fmt.Append(nil, i)}
	}
	return all
}

func TestAnOutageIsSaidAndWaitedOut(t *testing.T) {
	l, s := sinktest.NewLog("log"), &away{}
	s.down.Store(true)
	p := run(t, pump.Config{Source: l, Sink: s})
	l.Add(values(100)...)
	for wait := within(t); ; {
		st := p.Stats()
		if st.Retries > 3 && strings.Contains(st.State, "the disk is full") {
			break
		}
		if wait.Err() != nil {
			t.Fatalf("state %q after %d retries", st.State, st.Retries)
		}
		time.Sleep(time.Millisecond)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := p.WaitStored(short, 100); err == nil || !strings.Contains(err.Error(), "up to 0 of 100") || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("WaitStored returns %v", err)
	}
	s.down.Store(false)
	if err := p.WaitStored(within(t), 100); err != nil {
		t.Fatal(err)
	}
	if st := p.Stats(); st.State != "ok" || st.Values != 100 || st.LastCommit.IsZero() {
		t.Fatalf("stats %+v", st)
	}
	if n := len(s.Entries()); n != 100 {
		t.Fatalf("%d entries", n)
	}
}

func TestAStuckSinkHoldsNoOther(t *testing.T) {
	stuck := &away{stuck: make(chan struct{})}
	stuck.Named = "stuck"
	p := start(t, "", bus.Config{}, &memory.Sink{}, 3)
	run(t, pump.Config{Source: pump.FromBus(p.bus), Sink: stuck})
	p.produce(t, 20_000)
	p.flush(t)
	if n := len(stuck.Entries()); n != 0 {
		t.Fatalf("the stuck sink took %d", n)
	}
	close(stuck.stuck)
}

func TestALoneValueIsStoredAloneAndAFloodInFewBatches(t *testing.T) {
	l, s := sinktest.NewLog("log"), &memory.Sink{}
	p := run(t, pump.Config{Source: l, Sink: s})
	l.Add(values(1)...)
	if err := p.WaitStored(within(t), 1); err != nil {
		t.Fatal(err)
	}
	if n := s.Batches(); n != 1 {
		t.Fatalf("one value took %d batches", n)
	}
	l.Add(values(10_000)...)
	if err := p.WaitStored(within(t), 10_001); err != nil {
		t.Fatal(err)
	}
	if n := s.Batches(); n > 4 {
		t.Fatalf("a flood took %d batches", n)
	}
}

func TestBatchesAreBoundedByBytes(t *testing.T) {
	l, s := sinktest.NewLog("log"), &memory.Sink{}
	large := values(100)
	for i := range large {
		large[i].Value = make([]byte, 1000)
	}
	l.Add(large...)
	p := run(t, pump.Config{Source: l, Sink: s, BatchBytes: 10_000})
	if err := p.WaitStored(within(t), 100); err != nil {
		t.Fatal(err)
	}
	if n := s.Batches(); n != 10 {
		t.Fatalf("100 kB in pieces of 10 kB took %d batches", n)
	}
}

func TestARefusedValueIsCounted(t *testing.T) {
	l := sinktest.NewLog("log")
	s := &memory.Sink{Refuse: func(e sinks.Entry) error {
		if e.Sequence%7 == 0 {
			return errors.New("a number by seven")
		}
		return nil
	}}
	p := run(t, pump.Config{Source: l, Sink: s})
	l.Add(values(100)...)
	if err := p.WaitStored(within(t), 100); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.Refused() {
		if r.Entry.Sequence != uint64(7*(i+1)) || r.Reason == "" {
			t.Fatalf("dead letter %+v", r)
		}
	}
	for _, l := range s.Losses() {
		if l.Cause != loss.SinkRefused || l.Record != "a" || l.Count != 1 {
			t.Errorf("loss %+v", l)
		}
	}
	if st := p.Stats(); st.Lost != 14 || st.Refused != 14 || st.Values != 86 || len(s.Entries()) != 86 || len(s.Losses()) != 14 {
		t.Fatalf("stats %+v, %d entries, %d losses", st, len(s.Entries()), len(s.Losses()))
	}
}

// counting counts the writes of a sink.
type counting struct {
	memory.Sink
	writes atomic.Int64
}

func (s *counting) Write(ctx context.Context, b *sinks.Batch) error {
	s.writes.Add(1)
	return s.Sink.Write(ctx, b)
}

// A sink that names what it refuses is asked twice and not for each half.
func TestNamedRefusalsAreNotSearchedFor(t *testing.T) {
	l, s := sinktest.NewLog("log"), &counting{}
	s.Refuse = func(e sinks.Entry) error {
		if e.Sequence%7 == 0 {
			return fmt.Errorf("number %d", e.Sequence)
		}
		return nil
	}
	l.Add(values(1000)...)
	p := run(t, pump.Config{Source: l, Sink: s})
	if err := p.WaitStored(within(t), 1000); err != nil {
		t.Fatal(err)
	}
	if n := s.writes.Load(); n != 2 || s.Batches() != 1 || len(s.Entries()) != 858 {
		t.Errorf("%d writes, %d batches, %d entries; want 2, 1 and 858", n, s.Batches(), len(s.Entries()))
	}
	for i, r := range s.Refused() {
		if want := fmt.Sprint("number ", 7*(i+1)); r.Reason != want {
			t.Errorf("dead letter %d says %q, want %q", i, r.Reason, want)
		}
	}
}

// failingSource is a log whose first reading returns messages together with an
// error.
type failingSource struct {
	*sinktest.Log
	failed atomic.Bool
	opened chan int
}

func (f *failingSource) Open(ctx context.Context, sink string, from history.Position) (pump.Stream, error) {
	stream, err := f.Log.Open(ctx, sink, from)
	f.opened <- f.Opened()
	return failingStream{stream, f}, err
}

type failingStream struct {
	pump.Stream
	source *failingSource
}

func (f failingStream) Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (int, error) {
	n, err := f.Stream.Next(ctx, dst, maxBytes, until)
	if n > 0 && !f.source.failed.Swap(true) {
		err = errors.Join(err, errors.New("the connection is lost"))
	}
	return n, err
}

// What came with an error is stored, and the log is opened again.
func TestAnErrorThatComesWithMessages(t *testing.T) {
	l := &failingSource{Log: sinktest.NewLog("log"), opened: make(chan int, 2)}
	l.Add(values(10)...)
	s := &memory.Sink{}
	p := run(t, pump.Config{Source: l, Sink: s})
	ctx := within(t)
	for want := 1; want <= 2; want++ {
		select {
		case <-l.opened:
		case <-ctx.Done():
			t.Fatalf("the log was not opened for the %d. time", want)
		}
	}
	l.Add(values(10)...)
	if err := p.WaitStored(ctx, 20); err != nil || len(s.Entries()) != 20 {
		t.Fatalf("%d entries, %v", len(s.Entries()), err)
	}
	if st := p.Stats(); st.Retries != 1 {
		t.Errorf("%d retries, want 1", st.Retries)
	}
}
