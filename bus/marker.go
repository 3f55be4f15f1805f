package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/loss"
)

// ErrTakenOver is the error of a writer of a log on a shared server after another
// process has opened the same log to write to it. A log has one writer: the one that
// was opened last.
var ErrTakenOver = errors.New("bus: another process has opened the log of this database and writes to it now")

// marker is a message that a writer appends to a log on a shared server, when it starts
// and after an unclear answer. Its acknowledgement tells the last sequence of the log,
// and comes after the result of all messages before it. The refusal of a message, which
// would need no space, does not: that of a replicated stream holds no sequence.
type marker struct {
	// Writer identifies the run of the process.
	Writer string `json:"writer"`
	// Since is the sequence of the first marker of the writer, 0 in that marker.
	Since uint64 `json:"since,omitempty"`
	// Known is a sequence that the log is known to have had. If that is not before the
	// marker, the message that had the marker's sequence is lost.
	Known uint64 `json:"known,omitempty"`
	// Earlier is the log that was deleted before this one was created, and EarlierEnd the
	// last sequence that the writer knows to be logged there. Only the first marker of a
	// log has them.
	Earlier    string `json:"earlier,omitempty"`
	EarlierEnd uint64 `json:"earlier_end,omitempty"`
}

// markerToken is the last token of the subject of a marker. No key has it.
const markerToken = "%writer"

func (b *Bus) markerSubject() string { return b.subjects.prefix(lossKind) + markerToken }

// parseMarker returns false for a message that is no marker.
func (b *Bus) parseMarker(subject string, data []byte) (m marker, is bool) {
	if subject != b.markerSubject() {
		return m, false
	}
	if err := json.Unmarshal(data, &m); err != nil {
		b.log.Warn("bus: a marker of the log could not be decoded", "error", err)
	}
	return m, true
}

// earlierLog returns the log before this one, as the first marker of this one tells. It
// returns false if there was none, or if that marker was discarded.
func (b *Bus) earlierLog(ctx context.Context) (Mark, bool, error) {
	state, err := b.state(ctx)
	if err == nil && state.LastSeq == 0 && !b.ofSites {
		err = fmt.Errorf("bus: the log of database %s was created again and has nothing yet; reading begins with the first message of its writer", b.config.Name)
	}
	if err != nil {
		return Mark{}, false, err
	}
	m, err := b.get(ctx, state.FirstSeq)
	if err != nil || m == nil {
		return Mark{}, false, err
	}
	found, is := b.parseMarker(m.Subject, m.Data)
	return Mark{Log: found.Earlier, Sequence: found.EarlierEnd, Time: m.Time.UnixMilli()}, is && found.Earlier != "", nil
}

// decodeMarker makes a marker a message, which is a loss if the marker has taken the
// place of a lost one.
func decodeMarker(into *Message, m marker) {
	into.Value, into.Marker = nil, true
	if m.Known >= into.Sequence {
		into.Marker = false
		into.Loss = &loss.Loss{Cause: loss.LogTruncated, Count: 1, From: into.Sequence, To: into.Sequence, LastTime: into.Time}
	}
}

// appendMarker appends a marker to the log and returns its sequence. The log is known
// to have had a sequence.
func (w *writer) appendMarker(ctx context.Context, known uint64) (uint64, error) {
	mark := marker{Writer: w.bus.run, Since: w.bus.since.Load(), Known: known}
	if gone := w.bus.current().gone(); mark.Since == 0 && len(gone) > 0 {
		last := gone[len(gone)-1]
		mark.Earlier, mark.EarlierEnd = last.Log, last.Sequence
	}
	data, err := json.Marshal(mark)
	if err != nil {
		return 0, fmt.Errorf("bus: encode a marker: %w", err)
	}
	header := fmt.Appendf(nil, "%s: %d\r\n", TimeHeader, time.Now().UnixMilli())
	a, err := w.ask(ctx, w.bus.markerSubject(), header, data)
	if err == nil {
		err = a.err()
	}
	if err != nil {
		return 0, fmt.Errorf("bus: append a marker to the log: %w", err)
	}
	w.bus.since.CompareAndSwap(0, a.Sequence)
	return a.Sequence, nil
}

// takenOver reports whether a message of the log is the marker of a writer that was
// opened after this one.
func (b *Bus) takenOver(m *jetstream.RawStreamMsg) bool {
	found, is := b.parseMarker(m.Subject, m.Data)
	if !is || found.Writer == b.run {
		return false
	}
	since := found.Since
	if since == 0 {
		since = m.Sequence
	}
	return since > b.since.Load()
}
