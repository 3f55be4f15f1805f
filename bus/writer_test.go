package bus

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// A batch without a slot is not sent: a recovery would not know it, and later batches
// could overtake it.
func TestNothingIsSentBeyondTheWindow(t *testing.T) {
	b := open(t, setup{Config: Config{Durable: true}, Dir: t.TempDir()})
	w, err := newWriter(deadline(t), b.Bus, nobody{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	of := newSubjectLane("a", b.subjects.prefix(logKind)+"a")
	one := func() []entry { return []entry{{lane: of, time: 1, value: []byte("1")}} }
	for range batchWindow { // no batch is finished
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

// Fast ingest may commit a batch early and report where. The rest is sent again.
func TestAnAnswerForPartOfABatch(t *testing.T) {
	b := open(t, setup{})
	w, err := newWriter(deadline(t), b.Bus, nobody{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	of := newSubjectLane("a", b.subjects.prefix(logKind)+"a")
	entries := []entry{{lane: of, time: 1, logNumber: 1, value: []byte("1")}, {lane: of, time: 1, logNumber: 2, value: []byte("1")}}
	part := w.prepare(entries[:1], 0)
	if err := w.send(part); err != nil {
		t.Fatal(err)
	}
	if a := w.await(deadline(t), part); a.err() != nil {
		t.Fatal(a.err())
	}
	whole := w.prepare(entries, 0)
	whole.deliver(answer{Sequence: 1})
	if err := w.finish(deadline(t), whole); err != nil {
		t.Fatal(err)
	}
	if last, err := w.probe(deadline(t)); err != nil || last != 2 || w.next != 2 {
		t.Fatalf("the log ends at %d, and the writer at %d, want 2 (%v)", last, w.next, err)
	}
}

// The writer logs that acknowledged messages are gone, and appends to what is left.
func TestALogThatLosesItsEndSaysSo(t *testing.T) {
	var said bytes.Buffer // nobody else writes to it meanwhile
	b := open(t, setup{Config: Config{Logger: slog.New(slog.NewTextHandler(&said, nil))}})
	w, err := newWriter(deadline(t), b.Bus, nobody{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	entries := []entry{{lane: newSubjectLane("a", b.subjects.prefix(logKind)+"a"), time: 1, logNumber: 6, value: []byte("1")}}
	left, end, err := w.skipStored(deadline(t), entries, 5)
	if err != nil || len(left) != 6 || end != 0 || !strings.Contains(string(left[0].value), `"log_truncated","count":1,"from":1`) || left[5].logNumber != 6 {
		t.Fatalf("%d values are left, to follow %d (%v)", len(left), end, err)
	}
	if want := "messages=5 from=1"; !strings.Contains(said.String(), want) {
		t.Errorf("the log has %q, want %q in it", said.String(), want)
	}
}
