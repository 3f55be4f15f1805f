package bus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// checkStream looks on a shared server whether the log is still the one that the writer
// writes to. Somebody may have deleted the stream, or the server has come back with
// another one. A stream that is gone is created again. The entries are those that have
// no answer yet, base is the sequence before them. checkStream returns the sequence
// before them in the log that is there: another log holds none of them.
func (w *writer) checkStream(ctx context.Context, entries []entry, base uint64) (uint64, error) {
	b := w.bus
	have, err := findShared(ctx, b.js, b.config, streamConfig(b.config, b.subjects))
	if err != nil {
		return base, err
	}
	before, identity := b.current(), have.Config.Metadata[identityKey]
	if identity == before.identity {
		return base, nil
	}
	b.log.Error("bus: the log was deleted or replaced, and is another one now; what a sink had not stored of the other log is counted as lost",
		"log", identity, "before", before.identity, "before_end", base)
	for i := range entries {
		entries[i].before = base + 1 + uint64(i)
	}
	next := origin{identity: identity, earlier: append(before.gone(), Mark{Log: before.identity, Sequence: base, Time: time.Now().UnixMilli()})}
	b.mu.Lock()
	b.origin = next
	b.mu.Unlock()
	b.since.Store(0)
	w.runStart.Store(0) // the sequence of the first marker replaces it
	w.owner.moved(identity, have.State)
	return have.State.LastSeq, nil
}

// moved implements owner: the mark is of the other log from now on, and the numbers of
// each record begin again after what the first log has acknowledged.
func (r *Republisher) moved(identity string, state jetstream.StreamState) {
	if r.mark != nil {
		r.mark.restart(identity, state)
	}
	r.records.each(func(s *loggedRecord) { s.offset.Store(s.ackedNumber.Load()) })
}

// restart makes the mark one of another log.
func (f *markFile) restart(identity string, state jetstream.StreamState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark = Mark{Log: identity}
	f.mark.hold(state)
}
