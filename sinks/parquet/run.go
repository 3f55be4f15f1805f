package parquet

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/aimdb-go/aimdb/sinks"
)

const (
	runBlock = 64 << 10
	// maxField bounds a record or a value in a run.
	maxField = 1 << 30
)

// writeRun writes entries into a file, which nobody reads after a crash.
func writeRun(path string, entries iter.Seq2[sinks.Entry, error]) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	out := s2.NewWriter(f, s2.WriterConcurrency(1), s2.WriterBlockSize(runBlock))
	var line []byte
	for e, err := range entries {
		if err != nil {
			return errors.Join(err, out.Close(), f.Close())
		}
		line = binary.AppendUvarint(line[:0], uint64(len(e.Record)))
		line = append(line, e.Record...)
		line = binary.AppendVarint(line, e.Time)
		line = binary.AppendUvarint(line, e.Sequence)
		line = binary.AppendVarint(line, int64(e.Shape))
		line = binary.AppendUvarint(line, uint64(len(e.Value)))
		line = append(line, e.Value...)
		if _, err := out.Write(line); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(out.Close(), f.Close())
}

// runReader reads a run.
type runReader struct {
	file *os.File
	in   *bufio.Reader
	// age orders runs: entries of a lower one came before.
	age   int
	entry sinks.Entry
	// record and value are what entry was read into.
	record, value []byte
}

func openRun(path string, age int) (*runReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &runReader{file: f, in: bufio.NewReader(s2.NewReader(f, s2.ReaderMaxBlockSize(runBlock))), age: age}, nil
}

// next reads the next entry. The error is io.EOF after the last one.
func (r *runReader) next() (err error) {
	if r.record, err = r.field(r.record); err != nil {
		return err
	}
	if string(r.record) != r.entry.Record {
		r.entry.Record = string(r.record)
	}
	if r.entry.Time, err = binary.ReadVarint(r.in); err != nil {
		return r.cut(err)
	}
	if r.entry.Sequence, err = binary.ReadUvarint(r.in); err != nil {
		return r.cut(err)
	}
	shape, err := binary.ReadVarint(r.in)
	if r.entry.Shape = int(shape); err != nil {
		return r.cut(err)
	}
	if r.value, err = r.field(r.value); err != nil {
		return r.cut(err)
	}
	r.entry.Value = r.value
	return nil
}

func (r *runReader) field(into []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return nil, err
	}
	if n > maxField {
		return nil, r.cut(fmt.Errorf("a field of %d bytes", n))
	}
	into = slices.Grow(into[:0], int(n))[:n]
	if _, err := io.ReadFull(r.in, into); err != nil {
		return nil, r.cut(err)
	}
	return into, nil
}

func (r *runReader) cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read the sorted file %s: %w", r.file.Name(), err)
}

// runHeap has the run with the next entry first.
type runHeap []*runReader

func (h runHeap) Len() int { return len(h) }
func (h runHeap) Less(i, j int) bool {
	if c := partitionOf(h[i].entry).compare(partitionOf(h[j].entry)); c != 0 {
		return c < 0
	}
	return h[i].age < h[j].age
}
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)   { *h = append(*h, x.(*runReader)) }
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// merge yields the entries of runs, the oldest of which comes first, in order.
func merge(paths []string) iter.Seq2[sinks.Entry, error] {
	return func(yield func(sinks.Entry, error) bool) {
		if err := mergeRuns(paths, func(e sinks.Entry) bool { return yield(e, nil) }); err != nil {
			yield(sinks.Entry{}, err)
		}
	}
}

func mergeRuns(paths []string, yield func(sinks.Entry) bool) error {
	var runs runHeap
	defer func() {
		for _, r := range runs {
			_ = r.file.Close() // it was only read
		}
	}()
	for age, path := range paths {
		r, err := openRun(path, age)
		if err != nil {
			return err
		}
		runs = append(runs, r)
		if err := r.next(); err != nil {
			return err // a run has an entry
		}
	}
	for heap.Init(&runs); len(runs) > 0; {
		first := runs[0]
		if !yield(first.entry) {
			return nil
		}
		err := first.next()
		if err == nil {
			heap.Fix(&runs, 0)
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		heap.Pop(&runs)
		if err := first.file.Close(); err != nil {
			return err
		}
	}
	return nil
}
