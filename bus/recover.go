package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/nats-io/nats.go/jetstream"
)

// probe asks the stream for its last sequence. It sends a message that the stream
// must refuse, because it expects a last sequence that cannot exist. The stream
// handles it after all messages sent before, so the refusal shows their result.
func (w *writer) probe(ctx context.Context) (uint64, error) {
	b := w.prepare(nil, 0)
	w.header = append(w.header[:0], "Nats-Expected-Last-Sequence: "...)
	w.header = strconv.AppendUint(w.header, math.MaxUint64-1, 10)
	w.header = append(w.header, "\r\n"...)
	w.reply = append(w.reply[:0], w.inbox...)
	w.reply = strconv.AppendUint(w.reply, b.id, 10)
	w.publisher.Add(w.bus.subjects.prefix(lossKind)+"probe", w.reply, w.header, nil)
	if err := w.publisher.Flush(); err != nil {
		w.answers.Delete(b.id)
		return 0, err
	}
	a := w.await(ctx, b)
	if a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		_, text, _ := strings.Cut(a.Error.Description, ": ")
		if last, err := strconv.ParseUint(text, 10, 64); err == nil {
			return last, nil
		}
	}
	if err := a.err(); err != nil {
		return 0, fmt.Errorf("bus: ask the log for its last sequence: %w", err)
	}
	return 0, errors.New("bus: ask the log for its last sequence: the answer holds none")
}

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
		rest, last, err := w.skipStored(ctx, entries, base)
		if err == nil && len(rest) == 0 {
			w.next = last
			w.outage.Over()
			return nil
		}
		if err == nil {
			entries, base = rest, last
			a, entries, base, err = w.resend(ctx, entries, base)
			if err == nil && len(entries) == 0 {
				w.next = base
				w.outage.Over()
				return nil
			}
		}
		if err != nil {
			a = answer{failed: err}
		}
		if err := w.pause(ctx, failures, a); err != nil {
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

// skipStored drops the entries that the log has after base. It returns the others
// and the last sequence of the log.
func (w *writer) skipStored(ctx context.Context, entries []entry, base uint64) ([]entry, uint64, error) {
	last, err := w.probe(ctx)
	if err != nil {
		return entries, base, err
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
	if err != nil {
		return entries, base, err
	}
	w.owner.logged(entries[:stored], last)
	return entries[stored:], last, nil
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
// entries it has. The log has them in order and without holes. Messages of other
// clients, which may have been granted to publish, are skipped.
func (w *writer) countStored(ctx context.Context, entries []entry, base, last uint64) (int, error) {
	stream, err := w.bus.js.Stream(ctx, w.bus.stream)
	if err != nil {
		return 0, fmt.Errorf("bus: look for stored messages in the log: %w", err)
	}
	n := 0
	for sequence := base + 1; sequence <= last && n < len(entries); sequence++ {
		m, err := stream.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			n++ // stored, and discarded by a limit since
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("bus: read message %d of the log: %w", sequence, err)
		}
		e := &entries[n]
		run, place := runAndNumber(m.Header)
		if m.Subject == e.lane.subject && headerInt(m.Header, TimeHeader) == e.time && run == w.runStart && place == e.logNumber && bytes.Equal(m.Data, e.value) {
			n++
		}
	}
	return n, nil
}

// pause waits before the next attempt. JetStream stops a store that has met a full
// disk, even after there is room again, so pause reopens the store after two answer
// timeouts without success.
func (w *writer) pause(ctx context.Context, failures int, a answer) error {
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: w.bus.answerTimeout}
	if err := pauses.Wait(ctx, failures); err != nil {
		return err
	}
	if a.Error == nil && time.Since(w.outage.State().Since) > 2*w.bus.answerTimeout && time.Since(w.reopened) > 4*w.bus.answerTimeout && w.bus.server.Reopen() {
		w.reopened = time.Now()
		w.publisher.Close()
	}
	return nil
}
