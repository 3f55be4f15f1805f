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
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// Mark is the high-water mark of a log: what it has acknowledged and held at one
// moment. It is kept outside of the server's directory, so that a log that has lost
// its end, its start or its identity is noticed. It is written before producers learn
// of an acknowledgement, so after a kill it is exact. It is synced within markEvery and
// at an orderly stop, so after a power loss it may lack the last second.
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

// hold sets what the log holds.
func (m *Mark) hold(state jetstream.StreamState) {
	m.First, m.FirstTime, m.Bytes = state.FirstSeq, state.FirstTime.UnixMilli(), state.Bytes
}

const (
	// markSlot is the size of one of the two slots of a mark file. They are
	// written in turn, so that a write that is cut off leaves the other one.
	markSlot = 512
	// markEvery is the least time between two writes of a mark.
	markEvery = time.Second
)

// markFile is the file of a mark, and the mark that it holds. The writer of the log
// advances it, and keepMark syncs it.
type markFile struct {
	path string

	mu      sync.Mutex
	file    *os.File
	written uint64
	mark    Mark
	// failed is the error of an advance since the last sync.
	failed error
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

// advance writes what the log has acknowledged up to a sequence. It does not sync: a
// kill of the process takes nothing that was written.
func (f *markFile) advance(last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark.Sequence, f.mark.Time = last, time.Now().UnixMilli()
	if err := f.write(); err != nil {
		f.failed = err
	}
}

// sync writes what the log holds and syncs the file. It also returns the error of an
// advance that failed before.
func (f *markFile) sync(state jetstream.StreamState) error {
	f.mu.Lock()
	f.mark.hold(state)
	err := errors.Join(f.failed, f.write())
	f.failed = nil
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("bus: sync the mark of the log in %s: %w", f.path, err)
	}
	return nil
}

// write replaces the older slot. The file has its full size from the start, so that a
// full disk does not keep a mark from being written. The caller holds the lock.
func (f *markFile) write() error {
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	f.written++
	slot, err := appendMark(f.mark, f.written)
	if err == nil {
		_, err = f.file.WriteAt(slot, int64(f.written%2)*markSlot)
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

// keepMark syncs the mark as the log grows, at most once in markEvery, and a last time
// when ctx ends. On an idle log it sleeps.
func (r *Republisher) keepMark(ctx context.Context) {
	b := r.bus
	if r.mark == nil {
		return
	}
	defer func() {
		if err := r.mark.close(); err != nil {
			b.log.Warn("bus: close the mark of the log", "error", err)
		}
	}()
	synced, failing := uint64(0), false
	for ended := false; !ended; {
		next := r.progress.next()
		if last := r.last.Load(); last > synced {
			err := r.syncMark()
			if err != nil && !failing {
				b.log.Error("bus: the mark of the log is not written; a log that loses its end would not be noticed", "error", err)
			}
			if failing = err != nil; !failing {
				synced = last
			}
			ended = !backoff.Sleep(ctx, markEvery)
			continue
		}
		select {
		case <-next:
		case <-ctx.Done():
			ended = true
		}
	}
	if r.last.Load() > synced {
		if err := r.syncMark(); err != nil {
			b.log.Error("bus: the mark of the log is not written at the end", "error", err)
		}
	}
}

// syncMark syncs the mark with what the log holds now.
func (r *Republisher) syncMark() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultAnswerTimeout)
	defer cancel()
	state, err := r.bus.state(ctx)
	if err != nil {
		return err
	}
	return r.mark.sync(state)
}
