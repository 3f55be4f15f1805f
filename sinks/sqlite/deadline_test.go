package sqlite_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func first[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		return err
	}
	return nil
}

// reads is everything that reads, but for the parts of Check that cannot be
// bounded.
func reads(t *testing.T, s *sqlite.Store) map[string]func() error {
	ctx, all := t.Context(), pattern(t, "#")
	return map[string]func() error{
		"Latest":   func() error { return first(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1})) },
		"Latest 2": func() error { return first(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 2})) },
		"Last": func() error {
			return first(s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 2, By: history.ByStoring}))
		},
		"Range": func() error { return first(s.Range(ctx, history.RangeQuery{Pattern: all})) },
		"Page": func() error {
			return second(history.ReadPage(ctx, s, history.PageQuery{RangeQuery: history.RangeQuery{Pattern: all, Total: 3}}))
		},
		"Buckets": func() error {
			return first(s.Buckets(ctx, history.BucketQuery{Pattern: all, Width: time.Second, Path: "n"}))
		},
		"Rows":        func() error { return first(s.Rows(ctx, all, history.Window{}, 0)) },
		"Losses":      func() error { return first(s.Losses(ctx)) },
		"DeadLetters": func() error { return first(s.DeadLetters(ctx)) },
		"Position":    func() error { _, err := s.Position(ctx); return err },
		"Checkpoint":  func() error { _, err := s.Checkpoint(ctx); return err },
		"Records":     func() error { _, err := s.Records(ctx); return err },
		"Stats":       func() error { _, err := s.Stats(ctx); return err },
		"Check":       func() error { _, err := s.Check(ctx); return err },
		"Preview": func() error {
			_, err := s.Preview(ctx, history.PrunePlan{Keep: []history.Keep{{Record: "r1", MaxRows: 1}}})
			return err
		},
		"Prune": func() error {
			_, err := s.Prune(ctx, history.PrunePlan{Keep: []history.Keep{{Record: "r1", Before: 10}}})
			return err
		},
	}
}

func TestEveryReadHasADeadline(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(100)...))
	s.SetReadTimeout(-time.Second)
	for name, read := range reads(t, s) {
		if err := read(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.SetReadTimeout(time.Minute)
	for name, read := range reads(t, s) {
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadersAreCapped: what finds all connections taken waits for its deadline
// and not for ever, and the writer does not wait at all.
func TestReadersAreCapped(t *testing.T) {
	s := start(t, file(t), sqlite.Readers(2), sqlite.ReadTimeout(20*time.Millisecond))
	write(t, s, batch(1, numbered(100)...))
	release := s.HoldReaders(t)
	for name, read := range reads(t, s) {
		if name == "Check" {
			continue // its look at the structure has no deadline of its own
		}
		if err := read(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Write(t.Context(), batch(101, entry("a", 1, "1"))); err != nil {
		t.Error(err)
	}
	release()
	s.SetReadTimeout(time.Minute)
	if err := reads(t, s)["Latest"](); err != nil {
		t.Error(err)
	}
}

func second[A any](_ A, err error) error { return err }
