package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// replacedHistory is a history that is opened again when its file was replaced, as a rewind
// and a restore do. It implements history.Reader.
type replacedHistory struct {
	path string
	open func() (*sqlite.Store, error)

	mu    sync.Mutex
	store *sqlite.Store
	info  os.FileInfo
	// replaced are stores that queries may still use.
	replaced []*sqlite.Store
}

var _ history.Reader = (*replacedHistory)(nil)

func openReplacedHistory(cmd *cobra.Command, path string) (*replacedHistory, error) {
	if err := checkFile(cmd, path); err != nil {
		return nil, err
	}
	h := &replacedHistory{path: path, open: func() (*sqlite.Store, error) { return sqlite.OpenReadOnly(path, sqlite.Logger(logger(cmd))) }}
	_, err := h.now()
	return h, err
}

// now returns the store of the file that is at the path.
func (h *replacedHistory) now() (*sqlite.Store, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	info, err := os.Stat(h.path)
	if err != nil {
		return nil, fmt.Errorf("look at the history: %w", err)
	}
	if h.store != nil && os.SameFile(info, h.info) {
		return h.store, nil
	}
	store, err := h.open()
	if err != nil {
		return nil, err
	}
	if h.store != nil {
		h.replaced = append(h.replaced, h.store)
	}
	h.store, h.info = store, info
	return store, nil
}

func (h *replacedHistory) close() (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range append(h.replaced, h.store) {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// rowsOf yields what a query of the present store yields.
func rowsOf[T any](h *replacedHistory, ask func(*sqlite.Store) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		s, err := h.now()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for one, err := range ask(s) {
			if !yield(one, err) {
				return
			}
		}
	}
}

// Latest implements history.Reader.
func (h *replacedHistory) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return rowsOf(h, func(s *sqlite.Store) iter.Seq2[history.Row, error] { return s.Latest(ctx, q) })
}

// Range implements history.Reader.
func (h *replacedHistory) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return rowsOf(h, func(s *sqlite.Store) iter.Seq2[history.Row, error] { return s.Range(ctx, q) })
}

// Buckets implements history.Reader.
func (h *replacedHistory) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return rowsOf(h, func(s *sqlite.Store) iter.Seq2[history.Bucket, error] { return history.BucketsOfOneShape(ctx, s, q) })
}

// Stats implements history.Reader.
func (h *replacedHistory) Stats(ctx context.Context) (history.Stats, error) {
	s, err := h.now()
	if err != nil {
		return history.Stats{}, err
	}
	return s.Stats(ctx)
}

// Position implements history.Reader.
func (h *replacedHistory) Position(ctx context.Context) (history.Snapshot, error) {
	s, err := h.now()
	if err != nil {
		return history.Snapshot{}, err
	}
	return s.Position(ctx)
}
