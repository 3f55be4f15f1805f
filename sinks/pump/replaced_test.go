package pump_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// exchanged is a sink whose contents are exchanged for those of an empty one. A
// Write fails after that until Checkpoint was called.
type exchanged struct {
	mu       sync.Mutex
	now      *memory.Sink
	asked    bool
	replaced chan struct{}
}

func newExchanged() *exchanged {
	return &exchanged{now: &memory.Sink{}, asked: true, replaced: make(chan struct{})}
}

func (s *exchanged) exchange() (old *memory.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.now, s.asked = s.now, &memory.Sink{}, false
	close(s.replaced)
	s.replaced = make(chan struct{})
	return old
}

func (s *exchanged) sink() *memory.Sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *exchanged) Name() string { return "exchanged" }

func (s *exchanged) Checkpoint(ctx context.Context) (history.Position, error) {
	s.mu.Lock()
	s.asked = true
	s.mu.Unlock()
	return s.sink().Checkpoint(ctx)
}

func (s *exchanged) Write(ctx context.Context, b *sinks.Batch) error {
	s.mu.Lock()
	asked := s.asked
	s.mu.Unlock()
	if !asked {
		return errors.New("the sink was exchanged")
	}
	return s.sink().Write(ctx, b)
}

// announced is one that says so.
type announced struct{ *exchanged }

func (s announced) Replaced() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replaced
}

// A sink that says that it was replaced gets the whole log again at once.
func TestAReplacedSinkIsFilledAgain(t *testing.T) {
	l, s := sinktest.NewLog("log"), announced{newExchanged()}
	p := run(t, pump.Config{Source: l, Sink: s})
	l.Add(values(100)...)
	if err := p.WaitStored(within(t), 100); err != nil {
		t.Fatal(err)
	}
	old := s.exchange()
	for wait := within(t); len(s.sink().Entries()) < 100; {
		if wait.Err() != nil {
			t.Fatalf("%d entries are in the new sink", len(s.sink().Entries()))
		}
	}
	if n := len(old.Entries()); n != 100 {
		t.Errorf("%d entries are in the old sink", n)
	}
}

// One that does not say so gets it with the next value: its checkpoint is another
// one than a batch follows.
func TestASinkWithAnotherCheckpointIsFilledAgain(t *testing.T) {
	l, s := sinktest.NewLog("log"), newExchanged()
	p := run(t, pump.Config{Source: l, Sink: s})
	l.Add(values(100)...)
	if err := p.WaitStored(within(t), 100); err != nil {
		t.Fatal(err)
	}
	s.exchange()
	l.Add(values(1)...)
	if err := p.WaitStored(within(t), 101); err != nil {
		t.Fatal(err)
	}
	all := s.sink().Entries()
	if len(all) != 101 {
		t.Fatalf("%d entries", len(all))
	}
	for i, e := range all {
		if e.Sequence != uint64(i+1) {
			t.Fatalf("entry %d has the sequence %d", i, e.Sequence)
		}
	}
}
