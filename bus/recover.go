package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/nats-io/nats.go/jetstream"
)

// recover completes a batch that has no clear answer, and all batches sent after it.
// It compares the log with what was sent and sends the missing entries again, until
// the log has them or ctx ends. Nothing else is sent meanwhile.
func (w *writer) recover(ctx context.Context, first *batch, a answer) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	entries := append([]entry(nil), first.entries...)
	entries = w.takeInflight(entries)
	base := first.base
	for failures := 1; ; failures++ {
		w.outage.Failed(a.err(), "waiting", len(entries))
		_ = w.checkDisk() // whoever waits is told; the values are sent again until the log has them
		var err error
		entries, base, err = w.skipStored(ctx, entries, base)
		if err == nil {
			_, entries, base, err = w.resend(ctx, entries, base)
		}
		if err == nil {
			w.next = base
			w.over()
			return nil
		}
		a = answer{failed: err}
		if !errors.Is(err, ErrTakenOver) {
			err = w.pause(ctx, failures, a)
		}
		if err != nil {
			w.next = base
			return fmt.Errorf("bus: %d values are not in the log: %w", len(entries), err)
		}
	}
}

// takeInflight appends the entries of all batches sent after one that failed.
func (w *writer) takeInflight(entries []entry) []entry {
	for {
		select {
		case b, ok := <-w.inflight:
			if !ok {
				return entries
			}
			<-w.slots
			w.answers.Delete(b.id)
			entries = append(entries, b.entries...)
		default:
			return entries
		}
	}
}

// skipStored drops the entries that the log has after base. It returns the others and
// the sequence after which they belong, which is base after an error.
func (w *writer) skipStored(ctx context.Context, entries []entry, base uint64) ([]entry, uint64, error) {
	if w.bus.config.Shared {
		at, err := w.checkStream(ctx, entries, base)
		if base = at; err != nil {
			return entries, base, err
		}
	}
	last, err := w.end(ctx, base)
	if err != nil {
		return entries, base, err
	}
	if w.bus.config.Shared {
		w.runStart.CompareAndSwap(0, last) // the log is another one
	}
	if last < base {
		w.bus.log.Error("bus: the log has lost acknowledged messages at its end; they are counted as lost by every sink that has not stored them",
			"messages", base-last, "from", last+1, "to", base)
		entries = append(w.bus.tombstones(last+1, base), entries...)
	}
	if last <= base {
		return entries, last, nil
	}
	stored, err := w.countStored(ctx, entries, base, last)
	if err != nil && !errors.Is(err, ErrTakenOver) {
		return entries, base, err
	}
	w.owner.logged(entries[:stored], last)
	return entries[stored:], last, err
}

// resend sends entries batch by batch. It returns those that the log did not take
// and the last sequence of the log.
func (w *writer) resend(ctx context.Context, entries []entry, base uint64) (answer, []entry, uint64, error) {
	for len(entries) > 0 {
		n := min(len(entries), batchMax)
		b := w.prepare(entries[:n], base)
		if err := w.send(b); err != nil {
			b.deliver(answer{failed: err})
		}
		a := w.await(ctx, b)
		if a.err() != nil {
			return a, entries, base, a.err()
		}
		w.owner.logged(entries[:n], b.last())
		entries, base = entries[n:], b.last()
	}
	return answer{}, nil, base, nil
}

// countStored compares the log after base with what was sent, and returns how many
// entries it has. The log has them in order and without holes. Markers, and messages of
// other clients, which may have been granted to publish, are skipped. On a shared server
// the marker of another writer that was opened later is ErrTakenOver.
func (w *writer) countStored(ctx context.Context, entries []entry, base, last uint64) (int, error) {
	stream, err := w.bus.js.Stream(ctx, w.bus.stream)
	if err != nil {
		return 0, fmt.Errorf("bus: look for stored messages in the log: %w", err)
	}
	n, shared := 0, w.bus.config.Shared
	for sequence := base + 1; sequence <= last && (shared || n < len(entries)); sequence++ {
		if shared && sequence == last {
			break // the marker of this writer
		}
		m, err := stream.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			n = min(n+1, len(entries)) // stored, and discarded by a limit since
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("bus: read message %d of the log: %w", sequence, err)
		}
		if shared && w.bus.takenOver(m) {
			return n, ErrTakenOver
		}
		if n == len(entries) {
			continue
		}
		if entries[n].storedAs(m, w.runStart.Load()) {
			n++
		}
	}
	return n, nil
}

// storedAs reports whether a message of the log is an entry of a run.
func (e *entry) storedAs(m *jetstream.RawStreamMsg, run uint64) bool {
	if m.Subject != e.lane.subject || headerInt(m.Header, TimeHeader) != e.time || !bytes.Equal(m.Data, e.value) {
		return false
	}
	hasRun, number := runAndNumber(m.Header)
	return e.logNumber == 0 || hasRun == run && number == e.number()
}

// pause waits before the next attempt. JetStream stops a store that has met a full
// disk, even after there is room again, so pause reopens the store once there is, and
// otherwise after two answer timeouts without success.
func (w *writer) pause(ctx context.Context, failures int, a answer) error {
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: w.bus.answerTimeout}
	if err := pauses.Wait(ctx, failures); err != nil {
		return err
	}
	due := w.bus.Blocked() != nil || time.Since(w.outage.State().Since) > 2*w.bus.answerTimeout
	if a.Error == nil && due && time.Since(w.reopened) > 4*w.bus.answerTimeout && w.bus.server.Reopen() {
		w.reopened = time.Now()
		w.publisher.Close()
	}
	return nil
}
