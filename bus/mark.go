package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"
)

// Mark is the high-water mark of a log: what it has acknowledged and held at one
// moment. It is kept outside of the server's directory, so that a log that has lost
// its end, its start or its identity is noticed.
type Mark struct {
	// Log is the identity of the log.
	Log string `json:"log"`
	// Sequence is the last acknowledged sequence, and Time when the mark was
	// made, in Unix milliseconds.
	Sequence uint64 `json:"sequence"`
	Time     int64  `json:"time"`
	// First is the first sequence that the log held then, FirstTime when it was
	// logged, in Unix milliseconds, and Bytes the size of the log.
	First     uint64 `json:"first"`
	FirstTime int64  `json:"first_time"`
	Bytes     uint64 `json:"bytes"`
}

const (
	// markSlot is the size of one of the two slots of a mark file. They are
	// written in turn, so that a write that is cut off leaves the other one.
	markSlot = 512
	// markEvery is the least time between two writes of a mark.
	markEvery = time.Second
)

// markFile is the file of a mark. It is for one goroutine.
type markFile struct {
	path    string
	file    *os.File
	written uint64
}

// readMark returns the newest mark of a file, and a zero one without a file. A file
// in which neither slot is whole is an error.
func readMark(path string) (Mark, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, nil
	}
	if err != nil {
		return Mark{}, fmt.Errorf("bus: read the mark of the log: %w", err)
	}
	newest, count, found := Mark{}, uint64(0), false
	for slot := range 2 {
		from := min(slot*markSlot, len(data))
		m, n, ok := parseMark(data[from:min(from+markSlot, len(data))])
		if ok && (!found || n > count) {
			newest, count, found = m, n, true
		}
	}
	if !found && len(bytes.Trim(data, "\x00")) > 0 {
		return Mark{}, fmt.Errorf("bus: the mark of the log in %s is damaged", path)
	}
	return newest, nil
}

// A slot is a checksum, a count of writes, the length of the mark, and the mark.
const markHead = 4 + 8 + 2

func parseMark(slot []byte) (m Mark, count uint64, ok bool) {
	if len(slot) < markHead {
		return m, 0, false
	}
	size := int(binary.BigEndian.Uint16(slot[12:]))
	if size > len(slot)-markHead || crc32.ChecksumIEEE(slot[4:markHead+size]) != binary.BigEndian.Uint32(slot) {
		return m, 0, false
	}
	if json.Unmarshal(slot[markHead:markHead+size], &m) != nil || m.Log == "" {
		return m, 0, false
	}
	return m, binary.BigEndian.Uint64(slot[4:]), true
}

func appendMark(m Mark, count uint64) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(body) > markSlot-markHead {
		return nil, fmt.Errorf("the mark has %d bytes", len(body))
	}
	slot := make([]byte, 4, markSlot)
	slot = binary.BigEndian.AppendUint64(slot, count)
	slot = binary.BigEndian.AppendUint16(slot, uint16(len(body)))
	slot = append(slot, body...)
	binary.BigEndian.PutUint32(slot, crc32.ChecksumIEEE(slot[4:]))
	return slot[:markSlot], nil
}

// write replaces the older slot and syncs it. The file has its full size from the
// start, so that a full disk does not keep a mark from being written.
func (f *markFile) write(m Mark) error {
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	f.written++
	slot, err := appendMark(m, f.written)
	if err == nil {
		_, err = f.file.WriteAt(slot, int64(f.written%2)*markSlot)
	}
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("bus: write the mark of the log to %s: %w", f.path, err)
	}
	return nil
}

func (f *markFile) open() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("bus: open the mark of the log: %w", err)
	}
	data := make([]byte, 2*markSlot)
	n, err := io.ReadFull(file, data)
	if n < len(data) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		_, err = file.WriteAt(data, 0)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bus: open the mark of the log: %w", err), file.Close())
	}
	for slot := range 2 {
		if _, count, ok := parseMark(data[slot*markSlot : (slot+1)*markSlot]); ok {
			f.written = max(f.written, count)
		}
	}
	f.file = file
	return nil
}

func (f *markFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// keepMark writes the mark as the log grows, at most once in markEvery, and a last
// time when ctx ends. On an idle log it sleeps.
func (r *Republisher) keepMark(ctx context.Context) {
	b := r.bus
	if b.config.StateDir == "" {
		return
	}
	f := &markFile{path: b.markPath()}
	defer func() {
		if err := f.close(); err != nil {
			b.log.Warn("bus: close the mark of the log", "error", err)
		}
	}()
	marked, failing := uint64(0), false
	for ended := false; !ended; {
		next := r.changed.next()
		if last := r.last.Load(); last > marked {
			err := r.mark(f, last)
			if err != nil && !failing {
				b.log.Error("bus: the mark of the log is not written; a log that loses its end would not be noticed", "error", err)
			}
			if failing = err != nil; !failing {
				marked = last
			}
			ended = !sleepFor(ctx, markEvery)
			continue
		}
		select {
		case <-next:
		case <-ctx.Done():
			ended = true
		}
	}
	if last := r.last.Load(); last > marked {
		if err := r.mark(f, last); err != nil {
			b.log.Error("bus: the mark of the log is not written at the end", "error", err)
		}
	}
}

// mark writes a mark of what the log has acknowledged up to a sequence.
func (r *Republisher) mark(f *markFile, last uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	state, err := r.bus.state(ctx)
	if err != nil {
		return err
	}
	return f.write(Mark{
		Log: r.bus.identity, Sequence: last, Time: time.Now().UnixMilli(),
		First: state.FirstSeq, FirstTime: state.FirstTime.UnixMilli(), Bytes: state.Bytes,
	})
}

// sleepFor returns false when ctx ends first.
func sleepFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
