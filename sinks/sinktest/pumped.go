package sinktest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// pumpOf runs a pump from a log into a sink until it is stopped.
func pumpOf(t testing.TB, l *Log, s sinks.Sink) (p *pump.Pump, stop func()) {
	t.Helper()
	p, err := pump.New(pump.Config{
		Source: l, Sink: s, Batch: 64, Linger: time.Millisecond,
		RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("pump: %v", err)
			}
		})
	}
	return p, stop
}

func stored(t testing.TB, p *pump.Pump, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.WaitStored(ctx, uint64(n)); err != nil {
		t.Fatal(err)
	}
}

func (x Target) redelivery(t *testing.T) {
	dir, l := t.TempDir(), NewLog("log")
	for n := range 500 {
		l.Add(message(n + 1))
	}
	for round := 1; round <= 5; round++ {
		s, closeSink := x.Open(t, dir)
		p, stop := pumpOf(t, l, s)
		l.Fail(errors.New("the log is away"))
		stored(t, p, round*100) // and perhaps more: it is stopped in between
		stop()
		closeSink()
	}
	s, closeSink := x.Open(t, dir)
	defer closeSink()
	p, stop := pumpOf(t, l, s)
	defer stop()
	stored(t, p, 500)
	x.holds(t, s, "log", 500)
}

// faulty is a sink with failures put in.
type faulty struct {
	sinks.Sink
	mu     sync.Mutex
	before int // writes that fail with nothing written
	after  int // writes that fail although all was written
}

func (f *faulty) Write(ctx context.Context, b *sinks.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before > 0 {
		f.before--
		return errors.New("the sink is away")
	}
	err := f.Sink.Write(ctx, b)
	if f.after > 0 && err == nil {
		f.after--
		return errors.New("the answer got lost")
	}
	return err
}

func (x Target) faulty(t *testing.T, before, after int) {
	l := NewLog("log")
	for n := range 300 {
		l.Add(message(n + 1))
	}
	s := x.open(t)
	p, stop := pumpOf(t, l, &faulty{Sink: s, before: before, after: after})
	defer stop()
	stored(t, p, 300)
	x.holds(t, s, "log", 300)
}

func (x Target) crash(t *testing.T)      { x.faulty(t, 3, 0) }
func (x Target) lostAnswer(t *testing.T) { x.faulty(t, 1, 3) }

// unnamed is a sink that does not say which entries it refuses.
type unnamed struct{ sinks.Sink }

func (u unnamed) Write(ctx context.Context, b *sinks.Batch) error {
	err := u.Sink.Write(ctx, b)
	if refused := (*sinks.RefusedError)(nil); errors.As(err, &refused) {
		return &sinks.RefusedError{Reason: refused.Reason}
	}
	return err
}

func (x Target) refusal(t *testing.T) {
	x.refusals(t, func(s sinks.Sink) sinks.Sink { return s })
}

func (x Target) refusalUnnamed(t *testing.T) {
	x.refusals(t, func(s sinks.Sink) sinks.Sink { return unnamed{s} })
}

func (x Target) refusals(t *testing.T, through func(sinks.Sink) sinks.Sink) {
	l := NewLog("log")
	bad := map[int]bool{1: true, 40: true, 41: true, 64: true, 65: true, 100: true}
	var want []sinks.Entry
	for n := 1; n <= 100; n++ {
		m := message(n)
		if bad[n] {
			m.Record, m.Time, m.Value = x.Poison.Record, x.Poison.Time, x.Poison.Value
		} else {
			want = append(want, entry(n))
		}
		l.Add(m)
	}
	s := x.open(t)
	p, stop := pumpOf(t, l, through(s))
	defer stop()
	stored(t, p, 100)
	x.equal(t, s, want)
	letters := x.DeadLetters(t, s)
	if len(letters) != len(bad) {
		t.Fatalf("%d dead letters, want %d", len(letters), len(bad))
	}
	for _, r := range letters {
		if r.Reason == "" || r.Entry.Record != x.Poison.Record || string(r.Entry.Value) != string(x.Poison.Value) {
			t.Fatalf("dead letter %+v", r)
		}
	}
}

func (x Target) losses(t *testing.T) {
	l := NewLog("log")
	want := loss.Loss{Record: "test::r1", Cause: loss.RingOverrun, Count: 7, From: 3, To: 9, FirstTime: 5, LastTime: 6}
	l.Add(message(1), bus.Message{Record: want.Record, Loss: &want}, message(3))
	dir := t.TempDir()
	s, closeSink := x.Open(t, dir)
	p, stop := pumpOf(t, l, s)
	stored(t, p, 3)
	stop()
	closeSink()
	s, closeSink = x.Open(t, dir)
	defer closeSink()
	p, stop = pumpOf(t, l, s)
	defer stop()
	l.Add(message(4))
	stored(t, p, 4)
	got := x.Losses(t, s)
	if len(got) != 1 || got[0] != want {
		t.Fatalf("losses %+v, want one %+v", got, want)
	}
}

func (x Target) clock(t *testing.T) {
	l := NewLog("log")
	var want []sinks.Entry
	for n := 1; n <= 20; n++ {
		m, e := message(n), entry(n)
		m.Time = int64(2_000_000 - n*1000)
		e.Time = m.Time
		l.Add(m)
		want = append(want, e)
	}
	s := x.open(t)
	p, stop := pumpOf(t, l, s)
	defer stop()
	stored(t, p, 20)
	x.equal(t, s, want)
}
