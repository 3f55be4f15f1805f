package pump_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// delayed is a sink whose writes begin late, so that another writer comes first.
type delayed struct{ *memory.Sink }

func (s delayed) Write(ctx context.Context, b *sinks.Batch) error {
	time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
	return s.Sink.Write(ctx, b)
}

// TestTwoPumpsOfOneSink: what one has written, the other does not write again. Each
// begins to read again at the checkpoint of the sink.
func TestTwoPumpsOfOneSink(t *testing.T) {
	const total = 5000
	l, s := sinktest.NewLog("log"), &memory.Sink{}
	c := pump.Config{Source: l, Sink: delayed{s}, Batch: 50}
	first, second := run(t, c), run(t, c)
	for n := 0; n < total; n += 10 {
		l.Add(values(10)...)
	}
	wait := within(t)
	for p := s.Entries(); len(p) < total; p = s.Entries() {
		if wait.Err() != nil {
			t.Fatalf("%d of %d entries", len(p), total)
		}
		time.Sleep(time.Millisecond)
	}
	for i, e := range s.Entries() {
		if e.Sequence != uint64(i+1) {
			t.Fatalf("entry %d has the sequence %d", i, e.Sequence)
		}
	}
	a, b := first.Stats(), second.Stats()
	if a.Values+b.Values != total || len(s.Entries()) != total {
		t.Errorf("the pumps have stored %d and %d of %d, and %d are there", a.Values, b.Values, total, len(s.Entries()))
	}
	if a.Retries+b.Retries == 0 {
		t.Error("no pump was refused")
	}
	t.Logf("the pumps have stored %d and %d, and were refused %d and %d times", a.Values, b.Values, a.Retries, b.Retries)
}
