package sqlite

import (
	"context"
	"errors"
	"time"
)

const (
	// takeFrames is the number of pages in the write-ahead log from which they
	// are taken over into the file. It is SQLite's own.
	takeFrames = 1000
	// sweepFrames is that number for the commits of others during a sweep: far
	// more, so that the sweep itself takes over what it has written.
	sweepFrames = 8 * takeFrames
)

// piece has the writer do a part of a sweep, of a number of rows or pages. When
// the write-ahead log is full then, it is taken over in a turn of its own: a
// commit that comes meanwhile waits for one of the two and not for both.
func (s *Store) piece(ctx context.Context, size *pace, n int, do func(ctx context.Context, w *writer) error) error {
	full := false
	err := s.ask(ctx, s.patient, func(ctx context.Context, w *writer) (err error) {
		began := time.Now()
		err = w.lazily(ctx, func() error { return do(ctx, w) })
		size.took(n, time.Since(began))
		if err != nil || s.options.litestream {
			return err
		}
		state, err := checkpoint(ctx, w.conn, "NOOP")
		full = state.frames-state.moved >= takeFrames
		return err
	})
	if err != nil || !full {
		return err
	}
	return s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
		_, err := checkpoint(ctx, w.conn, "PASSIVE")
		return s.writeError("take the write-ahead log over", err)
	})
}

// ownCheckpoints leaves the write-ahead log to a sweep, until restore is called.
func (s *Store) ownCheckpoints(ctx context.Context) (restore func() error, err error) {
	if s.options.litestream {
		return func() error { return nil }, nil
	}
	set := func(ctx context.Context, frames int64) error {
		return s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
			_, err := w.conn.ExecContext(ctx, "PRAGMA wal_autocheckpoint = "+itoa(frames))
			return s.writeError("set when the write-ahead log is taken over", err)
		})
	}
	if err := set(ctx, sweepFrames); err != nil {
		return nil, err
	}
	return func() error {
		err := set(context.WithoutCancel(ctx), takeFrames)
		if errors.Is(err, ErrStopped) {
			return nil // and nothing is written any more
		}
		return err
	}, nil
}

// lazily does what a power loss may take back, as long as no other commit
// follows: rows that come back are pruned again.
func (w *writer) lazily(ctx context.Context, do func() error) error {
	if _, err := w.conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	err := do()
	_, failed := w.conn.ExecContext(ctx, "PRAGMA synchronous = FULL")
	return errors.Join(err, failed)
}

// logState is the state of the write-ahead log, in pages: how many there are, and
// how many of them the file has.
type logState struct{ frames, moved int }

// checkpoint runs a checkpoint of a kind: NOOP only looks, PASSIVE waits for
// nobody, TRUNCATE makes the log empty.
func checkpoint(ctx context.Context, db querier, kind string) (l logState, err error) {
	var busy int
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+kind+")").Scan(&busy, &l.frames, &l.moved)
	if err == nil && busy != 0 && kind == "TRUNCATE" {
		err = errors.New("somebody reads from the write-ahead log")
	}
	return l, err
}
