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

// RestoreTail fills the log with tombstones up to a sequence that it is known to
// have held: the greatest of its mark and of the checkpoints of its sinks. It
// returns how many it has added. It must be called before the Republisher runs.
func (b *Bus) RestoreTail(ctx context.Context, to uint64) (lost uint64, err error) {
	if b.mark.Log == b.identity {
		to = max(to, b.mark.Sequence)
	}
	if to <= b.openedAt {
		return 0, nil
	}
	from := b.openedAt + 1
	b.log.Error("bus: the log has lost acknowledged messages at its end; they are counted as lost by every sink that has not stored them",
		"messages", to-b.openedAt, "from", from, "to", to)
	w, err := newWriter(ctx, b, nobody{})
	if err != nil {
		return 0, err
	}
	defer w.close()
	if _, _, _, err := w.again(ctx, b.tombstones(from, to), b.openedAt); err != nil {
		return 0, fmt.Errorf("bus: mark the lost end of the log: %w", err)
	}
	b.openedAt = to
	return to - from + 1, nil
}

// nobody is the owner of entries that nobody waits for.
type nobody struct{}

func (nobody) settled([]entry, uint64) {}
func (nobody) recycle([]entry)         {}

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
