package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/loss"
)

// A log can lose its end: a power loss takes what was not synced, and a damaged
// file can take more, without a word from the server. The sequences would be used
// again, and a sink that has stored the old messages would take the new ones for
// them. So each lost sequence is filled with a tombstone: a message that says that
// the one which had this sequence is lost. A sink that has stored the original
// never reads the tombstone; one that has not counts exactly what it misses.

// tombstonesAtOnce bounds the memory that tombstones take.
const tombstonesAtOnce = 20_000

// tombstone returns the entry that takes the place of a lost message.
func tombstone(lane *subjectLane, sequence uint64, now int64) entry {
	value, err := json.Marshal(loss.Loss{
		Cause: loss.LogTruncated, Count: 1, From: sequence, To: sequence, LastTime: now,
	})
	if err != nil { // a Loss holds strings and numbers
		panic(fmt.Sprintf("bus: encode a loss: %v", err))
	}
	return entry{lane: lane, time: now, value: value}
}

// tombstoneToken is the last token of the subject of a tombstone. No key has it,
// since '%' is always followed by digits in a subject.
const tombstoneToken = "%truncated"

// tombstones returns the entries for a range of sequences, both ends included.
func (b *Bus) tombstones(from, to uint64) []entry {
	lane := &subjectLane{subject: b.subjects.prefix(lossKind) + tombstoneToken, header: []byte(TimeHeader + ": ")}
	now := time.Now().UnixMilli()
	var entries []entry
	for sequence := from; sequence <= to; sequence++ {
		entries = append(entries, tombstone(lane, sequence, now))
	}
	return entries
}

// Restore runs before the Republisher. It fills the log with tombstones up to the
// greatest sequence that it is known to have held, by its mark and by the checkpoints of
// its sinks, of which tail is the greatest. It then logs as lost what the last stop had
// accepted and not logged.
func (b *Bus) Restore(ctx context.Context, tail uint64) error {
	if b.mark.Log == b.identity {
		tail = max(tail, b.mark.Sequence)
	}
	w, err := b.findEnd(ctx, tail)
	if err != nil {
		return err
	}
	defer w.close()
	if tail > b.endAtOpen {
		b.log.Error("bus: the log has lost acknowledged messages at its end; they are counted as lost by every sink that has not stored them",
			"messages", tail-b.endAtOpen, "from", b.endAtOpen+1, "to", tail)
		for b.endAtOpen < tail {
			if err := b.appendEntries(ctx, w, b.tombstones(b.endAtOpen+1, min(b.endAtOpen+tombstonesAtOnce, tail))); err != nil {
				return fmt.Errorf("bus: mark the lost end of the log: %w", err)
			}
		}
	}
	return b.noteLosses(ctx, w)
}

// appendEntries logs entries of no record.
func (b *Bus) appendEntries(ctx context.Context, w *writer, entries []entry) error {
	_, _, last, err := w.resend(ctx, entries, w.next)
	if err == nil {
		w.next = last
		b.setEnd(last)
	}
	return err
}

// insist logs entries of no record also while an earlier writer of a shared server's log
// still writes, until that has noticed its marker.
func (b *Bus) insist(ctx context.Context, w *writer, entries []entry) error {
	err := b.appendEntries(ctx, w, entries)
	if err == nil || !b.config.Shared {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := w.recover(ctx, &batch{entries: entries, base: w.next}, answer{failed: err}); err != nil {
		return err
	}
	b.setEnd(w.next)
	return nil
}

// nobody is the owner of entries that nobody waits for.
type nobody struct{}

func (nobody) logged([]entry, uint64)              {}
func (nobody) moved(string, jetstream.StreamState) {}
func (nobody) recycle([]entry)                     {}

// checkHead notices that messages have vanished from the start of the log although
// it had reached no limit: neither could the oldest be too old, nor was the log
// full.
func (b *Bus) checkHead(state jetstream.StreamState) {
	m := b.mark
	if m.Log != b.identity || state.FirstSeq <= m.First {
		return
	}
	expired := time.Since(time.UnixMilli(m.FirstTime)) >= b.config.MaxAge
	full := state.Bytes > uint64(b.config.MaxBytes)/2 || m.Bytes > uint64(b.config.MaxBytes)/10*9
	if expired || full {
		return
	}
	b.damagedTo = state.FirstSeq - 1
	b.log.Error("bus: the start of the log has vanished although it had reached no limit; what a sink has not stored of it is counted as lost",
		"from", m.First, "to", b.damagedTo)
}
