package historytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// concurrent reads in several ways while rows are written. Row n of all is at
// time n, so that every answer can be checked by itself.
func (x Target) concurrent(t *testing.T) {
	const batches, size = 150, 20
	s := x.open(t)
	f, all := newFeed(s), pattern(t, "#")
	var written atomic.Int64
	done := make(chan struct{})
	errs := make(chan error, 3)
	var readers sync.WaitGroup
	for _, read := range []func(context.Context) error{
		func(ctx context.Context) error { // a snapshot holds what the log has up to its position
			at, err := s.Position(ctx)
			if err != nil {
				return err
			}
			rows, err := count(s.Range(ctx, history.RangeQuery{Pattern: all, MaxID: at.MaxID}))
			if err == nil && rows != int64(at.Sequence) {
				err = fmt.Errorf("%d rows up to %+v", rows, at)
			}
			return err
		},
		func(ctx context.Context) error { // a range has no gap
			least := written.Load()
			rows, err := count(s.Range(ctx, history.RangeQuery{Pattern: all}))
			if err == nil && rows < least {
				err = fmt.Errorf("a range of %d rows, and %d were stored when it began", rows, least)
			}
			return err
		},
		func(ctx context.Context) error { // what is stored is counted and found
			least := written.Load()
			stats, err := s.Stats(ctx)
			if err != nil || stats.Rows < least {
				return errors.Join(err, fmt.Errorf("%d rows are counted, and %d were stored", stats.Rows, least))
			}
			newest := int64(-1)
			for row, err := range s.Latest(ctx, history.LatestQuery{Pattern: all, Limit: 1}) {
				if err != nil {
					return err
				}
				newest = max(newest, row.Time)
			}
			if newest < least-1 {
				return fmt.Errorf("the newest row is %d, and %d were stored", newest, least)
			}
			return nil
		},
	} {
		readers.Go(func() {
			for {
				if err := read(t.Context()); err != nil {
					errs <- err
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range batches {
		var rows []history.Row
		for range size {
			n := int64(f.at.Sequence) + int64(len(rows))
			rows = append(rows, row(fmt.Sprint("r", n%7), n, "1"))
		}
		f.write(t, rows...)
		written.Add(size)
	}
	close(done)
	readers.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// count counts the rows of an ascending range and checks that they have the
// times 0, 1, 2 and so on.
func count(rows func(func(history.Row, error) bool)) (n int64, err error) {
	for row, err := range rows {
		if err != nil {
			return n, err
		}
		if row.Time != n {
			return n, fmt.Errorf("row %d has the time %d", n, row.Time)
		}
		n++
	}
	return n, nil
}
