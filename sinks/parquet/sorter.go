package parquet

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/aimdb-go/aimdb/sinks"
)

const (
	// sortBytes bounds the entries in memory.
	sortBytes = 32 << 20
	// entryBytes is what an entry takes in memory beside its value.
	entryBytes = 96
	// valueBlock is how much memory is taken at once for values.
	valueBlock = 1 << 20
	// fanIn is how many runs are merged at once.
	fanIn = 64
)

// sorter sorts entries by partition. Those of a partition keep their order. What does
// not fit into memory goes into sorted files, the runs.
type sorter struct {
	dir    string
	limit  int
	buffer []sinks.Entry
	// values is the block of memory for the values that come next.
	values []byte
	size   int
	// levels are the runs. A run of a level is merged from fanIn runs of the level
	// before, and its entries came before all those of that level.
	levels [][]string
	made   int
}

func newSorter(dir string) *sorter { return &sorter{dir: dir, limit: sortBytes} }

// add takes an entry and keeps nothing of it.
func (s *sorter) add(e sinks.Entry) error {
	if cap(s.values)-len(s.values) < len(e.Value) {
		s.values = make([]byte, 0, max(len(e.Value), valueBlock))
	}
	at := len(s.values)
	s.values = append(s.values, e.Value...)
	e.Value = s.values[at:]
	s.buffer = append(s.buffer, e)
	if s.size += len(e.Value) + entryBytes; s.size < s.limit {
		return nil
	}
	return s.spill()
}

// sorted yields all entries. A value is valid until the next one.
func (s *sorter) sorted() iter.Seq2[sinks.Entry, error] {
	if len(s.levels) == 0 {
		return each(s.take())
	}
	return func(yield func(sinks.Entry, error) bool) {
		if err := s.spill(); err != nil {
			yield(sinks.Entry{}, err)
			return
		}
		var oldest []string
		for _, runs := range slices.Backward(s.levels) {
			oldest = append(oldest, runs...)
		}
		merge(oldest)(yield)
	}
}

// take sorts and returns the entries in memory.
func (s *sorter) take() []sinks.Entry {
	slices.SortStableFunc(s.buffer, func(a, b sinks.Entry) int { return partitionOf(a).compare(partitionOf(b)) })
	return s.buffer
}

// spill writes the entries in memory into a run.
func (s *sorter) spill() error {
	if len(s.buffer) == 0 {
		return nil
	}
	run, err := s.run(each(s.take()))
	if err != nil {
		return err
	}
	clear(s.buffer) // it gives the values back
	s.buffer, s.values, s.size = s.buffer[:0], s.values[:0], 0
	return s.push(0, run)
}

func (s *sorter) run(entries iter.Seq2[sinks.Entry, error]) (string, error) {
	s.made++
	path := filepath.Join(s.dir, fmt.Sprintf("run-%d.partial", s.made))
	return path, writeRun(path, entries)
}

// push adds a run to a level, and merges the level if it is full.
func (s *sorter) push(level int, run string) error {
	if level == len(s.levels) {
		s.levels = append(s.levels, nil)
	}
	s.levels[level] = append(s.levels[level], run)
	full := s.levels[level]
	if len(full) < fanIn {
		return nil
	}
	merged, err := s.run(merge(full))
	if err != nil {
		return err
	}
	s.levels[level] = nil
	return errors.Join(removeAll(full), s.push(level+1, merged))
}

// close removes the runs.
func (s *sorter) close() error {
	var errs []error
	for _, runs := range s.levels {
		errs = append(errs, removeAll(runs))
	}
	return errors.Join(errs...)
}

func removeAll(paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

func each(all []sinks.Entry) iter.Seq2[sinks.Entry, error] {
	return func(yield func(sinks.Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}
