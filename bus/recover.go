package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// probe asks the stream for its last sequence in a message that it cannot
// store, because it expects a sequence there never is. The message stands in
// the same queue as all before it, so the answer is what became of them.
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
		return 0, fmt.Errorf("bus: ask the log for its end: %w", err)
	}
	return 0, errors.New("bus: ask the log for its end: the answer makes no sense")
}

// recover brings a batch whose answer was unclear, and all that were sent
// behind it, into the log: it looks what has arrived and sends the rest again,
// until the log takes it or ctx ends. Nothing else is sent meanwhile.
func (w *writer) recover(ctx context.Context, first *batch, a answer) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	entries := append([]entry(nil), first.entries...)
	entries = w.collect(entries)
	base := first.base
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, w.bus.answerIn) {
		w.trouble.note(a.err(), len(entries))
		rest, last, err := w.resume(ctx, entries, base)
		if err == nil && len(rest) == 0 {
			w.next = last
			w.trouble.over()
			return nil
		}
		if err == nil {
			entries, base = rest, last
			a, entries, base, err = w.again(ctx, entries, base)
			if err == nil && len(entries) == 0 {
				w.next = base
				w.trouble.over()
				return nil
			}
		}
		if err != nil {
			a = answer{failed: err}
		}
		if err := w.pause(ctx, wait, a); err != nil {
			w.next = base
			return fmt.Errorf("bus: %d values are not in the log: %w", len(entries), err)
		}
	}
}

// collect adds what was sent behind a batch that failed.
func (w *writer) collect(entries []entry) []entry {
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

// resume finds out how much of entries has arrived behind base.
func (w *writer) resume(ctx context.Context, entries []entry, base uint64) ([]entry, uint64, error) {
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
	stored, err := w.stored(ctx, entries, base, last)
	if err != nil {
		return entries, base, err
	}
	w.owner.settled(entries[:stored], last)
	return entries[stored:], last, nil
}

// again sends what is left, a batch at a time. It returns what is still left
// and the end of the log.
func (w *writer) again(ctx context.Context, entries []entry, base uint64) (answer, []entry, uint64, error) {
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
		w.owner.settled(entries[:n], b.last())
		entries, base = entries[n:], b.last()
	}
	return answer{}, nil, base, nil
}

// stored compares the tail of the log with what was sent: the log holds it in
// order, perhaps up to some point. Messages of others, who may have been let
// in on purpose, are passed over.
func (w *writer) stored(ctx context.Context, entries []entry, base, last uint64) (int, error) {
	stream, err := w.bus.js.Stream(ctx, w.bus.stream)
	if err != nil {
		return 0, fmt.Errorf("bus: read the end of the log: %w", err)
	}
	n := 0
	for sequence := base + 1; sequence <= last && n < len(entries); sequence++ {
		m, err := stream.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			n++ // gone again already, by a limit
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("bus: read message %d of the log: %w", sequence, err)
		}
		e := &entries[n]
		run, place := runAndNumber(m.Header)
		if m.Subject == e.lane.subject && number(m.Header, TimeHeader) == e.time && run == w.epoch && place == e.logged && bytes.Equal(m.Data, e.value) {
			n++
		}
	}
	return n, nil
}

// pause waits before the next attempt. A store that has met a full disk stays
// shut even when there is room again, so the server is started anew when it
// has not taken anything for a while.
func (w *writer) pause(ctx context.Context, wait time.Duration, a answer) error {
	timer := time.NewTimer(wait/2 + rand.N(wait))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	if a.Error == nil && time.Since(w.trouble.since) > 2*w.bus.answerIn && time.Since(w.reopened) > 4*w.bus.answerIn && w.bus.server.Reopen() {
		w.reopened = time.Now()
		w.publisher.Close()
	}
	return nil
}

// trouble says once that the log does not take values, and once that it does
// again, and counts in between.
type trouble struct {
	log     *slog.Logger
	since   time.Time
	retries uint64
	state   state
}

func (t *trouble) note(err error, waiting int) {
	t.retries++
	t.state.set("retrying: "+err.Error(), t.retries)
	if t.since.IsZero() {
		t.since = time.Now()
		t.log.Error("bus: the log does not take values; they wait, and are tried again", "waiting", waiting, "error", err)
	}
}

func (t *trouble) over() {
	t.log.Info("bus: the log takes values again", "after", time.Since(t.since).Round(time.Millisecond).String())
	t.since = time.Time{}
	t.state.set("ok", t.retries)
}
