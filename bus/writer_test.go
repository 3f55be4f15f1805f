package bus

import (
	"context"
	"errors"
	"testing"
)

// nobody owns entries in tests of the writer alone.
type nobody struct{}

func (nobody) settled([]entry, uint64) {}
func (nobody) recycle([]entry)         {}

// A batch that has no place in the line of those that wait for their answer is
// not sent: a recovery would not know of it, and what comes behind it could
// overtake it.
func TestNothingIsSentBeyondTheLine(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir(), Durable: true})
	w, err := newWriter(deadline(t), b, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	of := newLane("a", b.subjects.prefix(logKind)+"a")
	one := func() []entry { return []entry{{lane: of, time: 1, value: []byte("1")}} }
	for range batchWindow { // nobody takes them out of the line
		if err := w.write(deadline(t), one()); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := w.write(ended, one()); !errors.Is(err, context.Canceled) {
		t.Fatalf("a batch too many ends with %v", err)
	}
	if last, err := w.probe(deadline(t)); err != nil || last != batchWindow {
		t.Fatalf("the log ends at %d, want %d (%v)", last, batchWindow, err)
	}
}
