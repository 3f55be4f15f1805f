package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/internal/outage"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// batchMax bounds the messages of a batch. It is the server's limit for atomic
	// batches.
	batchMax = 1000
	// batchBytes is the size in bytes after which a batch is sent.
	batchBytes = 4 << 20
	// batchWindow is how many batches may await their answer.
	batchWindow = 4
	// answerTimeout bounds the wait for an answer. A store on a full
	// disk never answers.
	defaultAnswerTimeout = 5 * time.Second
)

// writer publishes batches into the stream in order. It is the stream's only
// publisher, so it knows the next sequence, and each batch carries the sequence it
// expects. The stream refuses a batch that is repeated after an unclear answer, or that
// follows one that failed, instead of storing it twice or out of order. This needs no
// message ids, neither here nor in the server.
type writer struct {
	bus       *Bus
	nc        *nats.Conn
	publisher Publisher
	inbox     string
	reply     []byte
	header    []byte
	durable   bool
	owner     owner
	// runStart is the last sequence of the log before this writer. It identifies the
	// run: two writers that have published something never have the same.
	runStart atomic.Uint64

	sending sync.Mutex // held while batches are built and sent
	next    uint64     // last sequence of the log once all batches in flight are stored
	lastID  uint64
	// inflight holds the batches that were sent and have no answer yet, in order. A
	// batch takes a slot before it is sent, so that a recovery never misses one that
	// is already on its way.
	inflight chan *batch
	slots    chan struct{}

	answers sync.Map // id to *batch

	outage *outage.Outage
	// reopened is when the store was last opened again.
	reopened time.Time
}

// owner supplies entries and learns what became of them.
type owner interface {
	// logged reports, in order, that entries are in the log, whose last sequence is
	// last.
	logged(entries []entry, last uint64)
	// moved reports that the log is another one from now on.
	moved(identity string, state jetstream.StreamState)
	// recycle returns a list of entries that was passed to write.
	recycle(entries []entry)
}

// newWriter returns a writer that knows the end of the log, which is known to have had a
// sequence. On a shared server it retries until the log takes its marker or ctx ends.
func newWriter(ctx context.Context, b *Bus, o owner, known uint64) (*writer, error) {
	w := &writer{
		bus: b, publisher: b.publisher(), durable: b.config.Durable, owner: o,
		inflight: make(chan *batch, batchWindow), slots: make(chan struct{}, batchWindow),
		outage: outage.New(b.log, "bus: the log does not take values; they wait and are sent again", "bus: the log takes values again"),
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
		w.next, err = w.begin(ctx, known)
		w.runStart.Store(w.next)
	}
	if err != nil {
		w.close()
		return nil, fmt.Errorf("bus: prepare to write the log: %w", err)
	}
	return w, nil
}

// begin finds the end of the log.
func (w *writer) begin(ctx context.Context, known uint64) (uint64, error) {
	for failures := 1; ; failures++ {
		last, err := w.end(ctx, known)
		if err == nil || !w.bus.config.Shared {
			w.over()
			return last, err
		}
		w.outage.Failed(err)
		if w.pause(ctx, failures, answer{failed: err}) != nil {
			return 0, err
		}
	}
}

func (w *writer) close() {
	w.publisher.Close()
	w.nc.Close()
}

// receive handles the answers of the stream. The token after the inbox is the id of
// the batch.
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

// failInflight fails all batches in flight, because their answers may have been sent
// while the connection was down. That is safe for a batch that was stored: recover
// compares the log before it sends anything again.
func (w *writer) failInflight() {
	w.answers.Range(func(_, b any) bool {
		b.(*batch).deliver(answer{failed: errors.New("bus: the connection was lost before the log answered")})
		return true
	})
}

// write sends a batch. It waits while batchWindow batches are in flight. The writer
// owns the entries until it recycles them.
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
	w.inflight <- b // never blocks: the batch has a slot
	return nil
}

// run finishes batches in order until inflight is closed or ctx ends.
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

// finish waits for the answer of a batch, and recovers if it is an error.
func (w *writer) finish(ctx context.Context, b *batch) error {
	a := w.await(ctx, b)
	if a.err() == nil {
		w.bus.appends.Observe(time.Since(b.began).Seconds())
		w.owner.logged(b.entries, a.Sequence)
		w.owner.recycle(b.entries)
		return nil
	}
	return w.recover(ctx, b, a)
}

// await waits for the answer of a batch.
func (w *writer) await(ctx context.Context, b *batch) answer {
	defer w.answers.Delete(b.id)
	select {
	case a := <-b.answer:
		return b.validate(a)
	default:
	}
	timeout := time.NewTimer(w.bus.answerTimeout)
	defer timeout.Stop()
	late := time.NewTimer(blockedAfter)
	defer late.Stop()
	for {
		select {
		case a := <-b.answer:
			return b.validate(a)
		case <-late.C:
			if err := w.checkDisk(); err != nil {
				return answer{failed: fmt.Errorf("bus: the log did not answer within %v: %w", blockedAfter, err)}
			}
		case <-timeout.C:
			return answer{failed: fmt.Errorf("bus: the log did not answer within %v; its disk may be full, or it has no leader", w.bus.answerTimeout)}
		case <-ctx.Done():
			return answer{failed: ctx.Err()}
		}
	}
}

func (w *writer) prepare(entries []entry, base uint64) *batch {
	w.lastID++
	b := &batch{id: w.lastID, entries: entries, base: base, answer: make(chan answer, 1), began: time.Now()}
	w.answers.Store(b.id, b)
	return b
}

// send publishes the messages of a batch.
func (w *writer) send(b *batch) error {
	for i := range b.entries {
		e := &b.entries[i]
		h := e.headers(w.header[:0], w.runStart.Load())
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

// setFastReply sets the reply subject of fast ingest (NATS ADR-50):
// <inbox>.<batch id>.<flow>.<gap mode>.<nth message>.<operation>.$FI, where a gap fails
// the batch, and the operation is 0 to start, 1 to add, 2 to add and commit.
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

// addBatchHeaders adds the headers of an atomic batch, which the stream stores as a
// whole and syncs once.
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
