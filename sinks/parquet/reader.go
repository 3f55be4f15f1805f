package parquet

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	pq "github.com/parquet-go/parquet-go"

	"github.com/aimdb-go/aimdb/sinks"
)

// count returns the number of rows that the footer of a file says.
func count(path string) (int64, error) {
	f, in, err := openFile(path)
	if err != nil {
		return 0, err
	}
	return in.NumRows(), f.Close()
}

// Entries reads a file with the schema of this package. A value is valid until the next
// entry.
func Entries(path string) iter.Seq2[sinks.Entry, error] {
	return func(yield func(sinks.Entry, error) bool) {
		if err := readEntries(path, func(e sinks.Entry) bool { return yield(e, nil) }); err != nil {
			yield(sinks.Entry{}, err)
		}
	}
}

// openFile opens a file and checks its columns.
func openFile(path string) (f *os.File, in *pq.File, err error) {
	if f, err = os.Open(path); err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = guarded(func() (err error) {
			in, err = pq.OpenFile(f, info.Size(), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
			if err == nil && !pq.EqualNodes(in.Schema(), pq.SchemaOf(row{})) {
				err = fmt.Errorf("its columns are not those that this package writes: %s", in.Schema())
			}
			return err
		})
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read the Parquet file %s: %w", path, err), f.Close())
	}
	return f, in, nil
}

func readEntries(path string, yield func(sinks.Entry) bool) (err error) {
	f, in, err := openFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	var rows *pq.GenericReader[row]
	if err := guarded(func() error { rows = pq.NewGenericReader[row](in); return nil }); err != nil {
		return fmt.Errorf("read the Parquet file %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	shapes, err := shapesOf(in)
	if err != nil {
		return fmt.Errorf("read the Parquet file %s: %w", path, err)
	}
	batch := make([]row, batchRows)
	for at, shape := int64(0), 0; ; {
		var n int
		err := guarded(func() (err error) { n, err = rows.Read(batch); return err })
		for _, r := range batch[:n] {
			for ; len(shapes) > 0 && shapes[0].Row <= at; shapes = shapes[1:] {
				shape = shapes[0].Shape
			}
			at++
			if !yield(sinks.Entry{Record: r.RecordName, Time: r.StoredAt, Value: r.ValueJSON, Shape: shape, Sequence: uint64(r.Sequence)}) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the Parquet file %s: %w", path, err)
		}
	}
}

// guarded makes an error of a panic: parquet-go panics for some damaged files.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	return do()
}
