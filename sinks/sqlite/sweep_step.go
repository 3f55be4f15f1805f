package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// autoCheckpointFrames is the number of pages in the write-ahead log from
	// which a commit checkpoints it. It is SQLite's own.
	autoCheckpointFrames = 1000
	// sweepFrames is that number for a sweep. It changes the same pages again
	// and again, so the fewer times they are copied the better.
	sweepFrames = 8 * autoCheckpointFrames
	// besideSweepFrames is the number for the commits of others during a sweep.
	besideSweepFrames = 14 * autoCheckpointFrames
)

// slice is how long one step of a sweep should keep the writer. A commit waits for
// a few of these at most.
const slice = 25 * time.Millisecond

// stepSize finds the number of rows or pages that fit into one slice of time.
// Reading and deleting use it from two goroutines.
type stepSize struct {
	size     atomic.Int64
	low, max int64
}

func newStepSize(start, low, high int64) *stepSize {
	p := &stepSize{low: low, max: high}
	p.size.Store(start)
	return p
}

func (p *stepSize) rows() int { return int(p.size.Load()) }

// atMost keeps the next step small; how long that takes decides on the others.
func (p *stepSize) atMost(n int64) {
	p.size.Store(max(min(p.size.Load(), n), p.low))
}

// took adjusts the size to how long a number of rows took. One slow step on a busy
// machine says little, so the size moves only part of the way.
func (p *stepSize) took(rows int, d time.Duration) {
	if rows == 0 {
		return
	}
	old := p.size.Load()
	fits := int64(float64(rows) * float64(slice) / float64(max(d, time.Microsecond)))
	p.size.Store(min(max((old+min(fits, 3*old))/2, p.low), p.max))
}

// sweepStep has the writer do a part of a sweep, of a number of rows or pages. If
// the write-ahead log is full then, it is checkpointed before the next step.
func (s *Store) sweepStep(ctx context.Context, size *stepSize, n int, do func(ctx context.Context, w *writer) error) error {
	full := false
	err := s.ask(ctx, s.background, func(ctx context.Context, w *writer) (err error) {
		began := time.Now()
		err = w.withoutSync(ctx, func() error { return do(ctx, w) })
		size.took(n, time.Since(began))
		if err != nil || s.checkpointer == nil {
			return err
		}
		state, err := checkpoint(ctx, w.conn, "NOOP")
		full = state.frames-state.moved >= s.options.sweepFrames
		return err
	})
	if err != nil || !full {
		return err
	}
	return s.checkpointer.run(ctx)
}

// checkpointer checkpoints the write-ahead log during a sweep, on a connection of
// its own, so that commits go on meanwhile. It belongs to whoever holds the sweep.
type checkpointer struct {
	store *Store
	db    *sql.DB
}

// beginCheckpoints leaves the write-ahead log to the sweep, until end is called.
func (s *Store) beginCheckpoints(ctx context.Context) (end func() error, err error) {
	if s.options.litestream {
		return func() error { return nil }, nil
	}
	c := &checkpointer{store: s}
	if c.db, err = openCheckpointer(s.path, s.options); err != nil {
		return nil, err
	}
	if err := c.setAutoCheckpoint(ctx, besideSweepFrames); err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	s.checkpointer = c
	return func() error {
		s.checkpointer = nil
		err := c.setAutoCheckpoint(context.WithoutCancel(ctx), autoCheckpointFrames)
		if errors.Is(err, ErrStopped) {
			err = nil // and nothing is written any more
		}
		return errors.Join(err, c.db.Close())
	}, nil
}

// setAutoCheckpoint sets at how many pages a commit checkpoints the log.
func (c *checkpointer) setAutoCheckpoint(ctx context.Context, frames int64) error {
	return c.store.ask(ctx, c.store.background, func(ctx context.Context, w *writer) error {
		_, err := w.conn.ExecContext(ctx, "PRAGMA wal_autocheckpoint = "+itoa(frames))
		return c.store.writeError("set when the write-ahead log is checkpointed", err)
	})
}

// run checkpoints the log, and then has the writer checkpoint the little that was
// added meanwhile: the log starts at its beginning again only if nothing is left.
func (c *checkpointer) run(ctx context.Context) error {
	const what = "checkpoint the write-ahead log"
	if _, err := checkpoint(ctx, c.db, "PASSIVE"); err != nil {
		return c.store.writeError(what, err)
	}
	return c.store.ask(ctx, c.store.background, func(ctx context.Context, w *writer) error {
		_, err := checkpoint(ctx, w.conn, "PASSIVE")
		return c.store.writeError(what, err)
	})
}

// withoutSync runs commits that are synced only with the next other commit. Rows
// that a power loss brings back are pruned again.
func (w *writer) withoutSync(ctx context.Context, do func() error) error {
	if _, err := w.conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	err := do()
	_, failed := w.conn.ExecContext(ctx, "PRAGMA synchronous = FULL")
	return errors.Join(err, failed)
}

// logState is the state of the write-ahead log: how many pages it has, and how many
// of them are checkpointed.
type logState struct{ frames, moved int }

// checkpoint runs a checkpoint of a kind: NOOP only reports the state, PASSIVE waits
// for no reader, TRUNCATE empties the log.
func checkpoint(ctx context.Context, db querier, kind string) (l logState, err error) {
	var busy int
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+kind+")").Scan(&busy, &l.frames, &l.moved)
	if err == nil && busy != 0 && kind == "TRUNCATE" {
		err = errors.New("a reader uses the write-ahead log")
	}
	return l, err
}
