package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// batchMax is the most messages of one batch; a stream takes no more in
	// an atomic one.
	batchMax = 1000
	// batchBytes is about the most bytes of one batch.
	batchBytes = 4 << 20
	// batchWindow is how many batches may wait for their answer.
	batchWindow = 4
	// answerTimeout is how long an answer may take before it counts as
	// unclear. A store on a full disk never answers.
	defaultAnswerTimeout = 5 * time.Second
)

// writer puts batches into the stream in order. It is the only one who may,
// so it always knows the next sequence, and every batch says which it expects:
// a batch that comes again after an unclear answer, or behind one that failed,
// is refused by the stream instead of being stored twice or out of order. No
// message ids are kept for that, neither here nor in the server.
type writer struct {
	bus       *Bus
	nc        *nats.Conn
	publisher Publisher
	inbox     string
	reply     []byte
	header    []byte
	durable   bool
	// owner is told, in order, what is in the log.
	owner owner
	// epoch is the last sequence of the log before this writer: no other that
	// has written anything has the same.
	runStart uint64

	sending sync.Mutex // held while something is laid out and sent
	next    uint64     // the last sequence once all that is under way is in
	lastID  uint64
	// inflight holds what was sent and not settled, in order, and slots as many
	// tokens. A batch takes its place in the line while it is sent, so that a
	// recovery never misses one that is on its way already.
	inflight chan *batch
	slots    chan struct{}

	answers sync.Map // id to *batch

	outage outage
	// reopened is when the store was last opened again.
	reopened time.Time
}

// owner is where entries come from.
type owner interface {
	// settled says that entries are in the log, the last of them at last.
	logged(entries []entry, last uint64)
	// recycle gives back a list that write was called with.
	recycle(entries []entry)
}

func newWriter(ctx context.Context, b *Bus, o owner) (*writer, error) {
	w := &writer{
		bus: b, publisher: b.publisher(), durable: b.config.Durable, owner: o,
		inflight: make(chan *batch, batchWindow), slots: make(chan struct{}, batchWindow),
		outage: outage{log: b.log},
	}
	nc, err := b.server.Connect(ctx, "log", nats.ReconnectHandler(func(*nats.Conn) { w.failInflight() }))
	if err != nil {
		return nil, err
	}
	w.nc, w.inbox = nc, nc.NewInbox()+"."
	if _, err = nc.Subscribe(w.inbox+">", w.receive); err == nil {
		err = nc.Flush()
	}
	if err == nil {
		w.next, err = w.probe(ctx)
		w.runStart = w.next
	}
	if err != nil {
		w.close()
		return nil, fmt.Errorf("bus: get ready to write the log: %w", err)
	}
	return w, nil
}

func (w *writer) close() {
	w.publisher.Close()
	w.nc.Close()
}

// receive gets every answer of the stream. The token behind the inbox is the
// number of the batch.
func (w *writer) receive(m *nats.Msg) {
	text, _, _ := strings.Cut(m.Subject[len(w.inbox):], ".")
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return
	}
	found, ok := w.answers.Load(id)
	if !ok {
		return
	}
	if a, final := parseAnswer(m.Data); final {
		found.(*batch).deliver(a)
	}
}

// missed says to all batches under way that their answers may have come while
// the connection was down. If one was in time after all, no harm is done: what
// has arrived is looked up before anything is sent again.
func (w *writer) failInflight() {
	w.answers.Range(func(_, b any) bool {
		b.(*batch).deliver(answer{failed: errors.New("bus: the connection was lost before the log answered")})
		return true
	})
}

// write sends a batch; it waits while too many are under way. The entries
// belong to the writer until they are settled.
func (w *writer) write(ctx context.Context, entries []entry) error {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.sending.Lock()
	defer w.sending.Unlock()
	b := w.prepare(entries, w.next)
	w.next = b.last()
	if err := w.send(b); err != nil {
		b.deliver(answer{failed: err})
	}
	w.inflight <- b // there is room: the batch has a slot
	return nil
}

// run settles batches as their answers come, until the writer is told that
// there are no more, or ctx ends.
func (w *writer) run(ctx context.Context) error {
	for {
		select {
		case b, more := <-w.inflight:
			if !more {
				return nil
			}
			<-w.slots
			if err := w.finish(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *writer) finish(ctx context.Context, b *batch) error {
	a := w.await(ctx, b)
	if a.err() == nil {
		w.owner.logged(b.entries, a.Sequence)
		w.owner.recycle(b.entries)
		return nil
	}
	return w.recover(ctx, b, a)
}

// await waits for the answer of a batch and forgets the batch.
func (w *writer) await(ctx context.Context, b *batch) answer {
	defer w.answers.Delete(b.id)
	select {
	case a := <-b.answer:
		return b.validate(a)
	default:
	}
	timeout := time.NewTimer(w.bus.answerTimeout)
	defer timeout.Stop()
	select {
	case a := <-b.answer:
		return b.validate(a)
	case <-timeout.C:
		return answer{failed: fmt.Errorf("bus: the log did not answer within %v; its disk may be full", w.bus.answerTimeout)}
	case <-ctx.Done():
		return answer{failed: ctx.Err()}
	}
}

func (w *writer) prepare(entries []entry, base uint64) *batch {
	w.lastID++
	b := &batch{id: w.lastID, entries: entries, base: base, answer: make(chan answer, 1)}
	w.answers.Store(b.id, b)
	return b
}

// send lays the messages of a batch out and writes them.
func (w *writer) send(b *batch) error {
	for i := range b.entries {
		e := &b.entries[i]
		h := e.headers(w.header[:0], w.runStart)
		if i == 0 {
			h = append(h, "Nats-Expected-Last-Sequence: "...)
			h = strconv.AppendUint(h, b.base, 10)
			h = append(h, "\r\n"...)
		}
		if w.durable {
			h = w.addBatchHeaders(h, b, i)
		} else {
			w.setFastReply(b, i)
		}
		w.publisher.Add(e.lane.subject, w.reply, h, e.value)
		w.header = h
	}
	return w.publisher.Flush()
}

// fast makes the reply subject of fast ingest, in which the stream reads a
// batch's number, the flow of acknowledgements asked for, that a gap fails
// the batch, the message's place and what to do with it: 0 starts, 1 adds,
// 2 adds and commits (NATS ADR-50).
func (w *writer) setFastReply(b *batch, i int) {
	r := append(w.reply[:0], w.inbox...)
	r = strconv.AppendUint(r, b.id, 10)
	r = append(r, ".65535.fail."...)
	r = strconv.AppendInt(r, int64(i+1), 10)
	switch {
	case i == len(b.entries)-1:
		r = append(r, ".2.$FI"...)
	case i == 0:
		r = append(r, ".0.$FI"...)
	default:
		r = append(r, ".1.$FI"...)
	}
	w.reply = r
}

// atomic adds the headers of an atomic batch, which is stored as a whole and
// forced to the disk once.
func (w *writer) addBatchHeaders(h []byte, b *batch, i int) []byte {
	w.reply = w.reply[:0]
	last := i == len(b.entries)-1
	if last {
		w.reply = append(w.reply, w.inbox...)
		w.reply = strconv.AppendUint(w.reply, b.id, 10)
	}
	if len(b.entries) == 1 {
		return h
	}
	h = append(h, "Nats-Batch-Id: "...)
	h = append(h, w.inbox[len(w.inbox)-9:len(w.inbox)-1]...)
	h = append(h, '-')
	h = strconv.AppendUint(h, b.id, 10)
	h = append(h, "\r\nNats-Batch-Sequence: "...)
	h = strconv.AppendInt(h, int64(i+1), 10)
	h = append(h, "\r\n"...)
	if last {
		h = append(h, "Nats-Batch-Commit: 1\r\n"...)
	}
	return h
}
