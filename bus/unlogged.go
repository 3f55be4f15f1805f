package bus

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// A shutdown has a deadline, and values that are in rings then are lost. They are
// noted in a file whose space is reserved at the start, so that a full disk does not
// keep them from being noted. The next start brings the note into the log, from where
// it reaches the ledger of every sink once.

const (
	// noteSize is the size of the file: some thousand records.
	noteSize = 256 << 10
	noteHead = 8 // checksum and length
)

// note is what was accepted and not logged when a process stopped.
type note struct {
	Records []noted `json:"records"`
}

// noted is the part of one record.
type noted struct {
	Loss loss.Loss `json:"loss"`
	// Run and Number are those of the record's last message that was known to be
	// logged; Number is 0 if none was. The log may hold more of them. Run is nil if
	// nothing was written.
	Run    *uint64 `json:"run,omitempty"`
	Number uint64  `json:"number"`
}

// unlogged returns the values of a registry that were accepted and are not known to
// be logged, one loss a record. Of a single-latest record or a mailbox that is the
// newest value.
func (b *Bus) unlogged(reg *records.Registry) (all []noted) {
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	for _, h := range reg.Records() {
		produced, acked := h.Accepted(), h.Acked()
		if !h.Config().Logged || produced <= acked {
			continue
		}
		if h.Kind() != records.Ring {
			acked = produced - 1 // the others have collapsed into the newest
		}
		n := noted{Loss: loss.Loss{
			Record: h.Key(), Cause: loss.NotLogged, Count: produced - acked,
			From: acked + 1, To: produced, LastTime: h.Metrics().LastWrite,
		}}
		if r != nil {
			if s := r.records.of(h); s != nil {
				if w := r.writer.Load(); w != nil {
					run := w.runStart.Load()
					n.Run = &run
				}
				n.Number = s.ackedNumber.Load() - s.offset.Load()
			}
		}
		all = append(all, n)
	}
	return all
}

// NoteUnlogged returns the values of a registry that were accepted and are not known to be
// logged, one loss a record, and writes them down for the next start. It is to be called
// when nothing is produced any more. Without a StateDir there is nowhere to note them.
func (b *Bus) NoteUnlogged(reg *records.Registry) ([]loss.Loss, error) {
	left := b.unlogged(reg)
	var losses []loss.Loss
	for _, n := range left {
		losses = append(losses, n.Loss)
	}
	if len(left) == 0 || b.config.StateDir == "" {
		return losses, nil
	}
	return losses, writeNote(b.notePath(), note{left})
}

// writeNote fits the note into its file: what does not fit is one loss without a
// record.
func writeNote(path string, n note) error {
	body, err := json.Marshal(n)
	for rest := (loss.Loss{Cause: loss.NotLogged}); err == nil && len(body) > noteSize-noteHead; {
		half := len(n.Records) / 2
		for _, one := range n.Records[half:] {
			if one.Loss.Record != "" || one.Loss.Count > 0 {
				rest.Count += one.Loss.Count
				rest.LastTime = max(rest.LastTime, one.Loss.LastTime)
			}
		}
		n.Records = append(slices.Clone(n.Records[:half]), noted{Loss: rest})
		rest.Count = 0
		body, err = json.Marshal(n)
	}
	if err != nil {
		return fmt.Errorf("bus: note what was not logged: %w", err)
	}
	head := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	head = binary.BigEndian.AppendUint32(head, uint32(len(body)))
	return overwrite(path, append(head, body...))
}

// overwrite writes to the start of a file and syncs it.
func overwrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("bus: note what was not logged: %w", err)
	}
	_, err = f.WriteAt(data, 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("bus: note what was not logged in %s: %w", path, err)
	}
	return nil
}

// readNote returns an empty note for a file that has none, or does not exist.
func readNote(path string) (n note, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, fmt.Errorf("bus: read what was not logged: %w", err)
	}
	return parseNote(data)
}

func parseNote(data []byte) (n note, err error) {
	if len(data) < noteHead || binary.BigEndian.Uint32(data[4:]) == 0 {
		return n, nil
	}
	size := binary.BigEndian.Uint32(data[4:])
	if uint64(size) > uint64(len(data)-noteHead) || crc32.ChecksumIEEE(data[noteHead:noteHead+size]) != binary.BigEndian.Uint32(data) {
		return n, errors.New("bus: the note of what was not logged is damaged")
	}
	if err := json.Unmarshal(data[noteHead:noteHead+size], &n); err != nil {
		return n, fmt.Errorf("bus: read what was not logged: %w", err)
	}
	return n, nil
}

// reserveNote gives the file its full size.
func (b *Bus) reserveNote() error {
	info, err := os.Stat(b.notePath())
	if err == nil && info.Size() >= noteSize {
		return nil
	}
	return overwrite(b.notePath(), make([]byte, noteSize))
}

// noteLosses brings the note of the last stop into the log, and empties it.
func (b *Bus) noteLosses(ctx context.Context, w *writer) error {
	if b.config.StateDir == "" {
		return nil
	}
	n, err := readNote(b.notePath())
	if err != nil {
		// The losses are not known any more; the process must start all the same.
		b.log.Error("bus: the last stop left values behind, and its note cannot be read", "error", err)
		n = note{[]noted{{Loss: loss.Loss{Cause: loss.NotLogged}}}}
	}
	entries, err := b.noteEntries(ctx, n)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if err := b.insist(ctx, w, entries); err != nil {
			return fmt.Errorf("bus: log what the last stop left behind: %w", err)
		}
		b.log.Warn("bus: the last stop left accepted values behind; they are counted as lost", "records", len(entries))
	}
	if len(n.Records) > 0 {
		if err := overwrite(b.notePath(), make([]byte, noteHead)); err != nil {
			return err
		}
	}
	return b.reserveNote()
}

// noteEntries makes a loss message for each record of a note.
func (b *Bus) noteEntries(ctx context.Context, n note) (entries []entry, err error) {
	losses, err := b.notedLosses(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, l := range losses {
		value, err := json.Marshal(l)
		if err != nil {
			return nil, fmt.Errorf("bus: encode a loss: %w", err)
		}
		entries = append(entries, entry{lane: b.lossLane(l.Record), time: l.LastTime, value: value})
		if b.leftBehind == nil {
			b.leftBehind = map[string]loss.Loss{}
		}
		b.leftBehind[l.Record] = l
	}
	return entries, nil
}

// notedLosses returns the losses of a note. What reached the log after all, because
// only its answer came too late, is no loss.
func (b *Bus) notedLosses(ctx context.Context, n note) (losses []loss.Loss, err error) {
	for _, one := range n.Records {
		l := one.Loss
		if l.Record != "" && !b.absent {
			logged, err := b.loggedSince(ctx, l.Record, one)
			if err != nil {
				return nil, err
			}
			logged = min(logged, l.Count)
			l.Count, l.From = l.Count-logged, l.From+logged
			if l.Count == 0 {
				continue
			}
		}
		losses = append(losses, l)
	}
	return losses, nil
}

// lossLane returns the lane of messages about losses of a record, "" for no record.
func (b *Bus) lossLane(record string) *subjectLane {
	k, err := key.Parse(record)
	if err != nil {
		return &subjectLane{subject: b.subjects.prefix(lossKind) + tombstoneToken, header: []byte(TimeHeader + ": ")}
	}
	return newSubjectLane(record, b.subjects.of(lossKind, k.Segments()))
}

// loggedSince returns how many values of a record the log holds beyond those that
// were known when the note was written.
func (b *Bus) loggedSince(ctx context.Context, record string, n noted) (uint64, error) {
	k, err := key.Parse(record)
	if err != nil || n.Run == nil {
		return 0, nil
	}
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return 0, fmt.Errorf("bus: find the last value of record %q: %w", record, err)
	}
	for _, kind := range []string{logKind, privateKind} { // it may have been Remote then
		m, err := stream.GetLastMsgForSubject(ctx, b.subjects.of(kind, k.Segments()))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("bus: find the last value of record %q: %w", record, err)
		}
		if run, number := runAndNumber(m.Header); run == *n.Run && number > n.Number {
			return number - n.Number, nil
		}
	}
	return 0, nil
}
