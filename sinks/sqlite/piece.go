package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// takeFrames is the number of pages in the write-ahead log from which a
	// commit takes them over into the file. It is SQLite's own.
	takeFrames = 1000
	// sweepFrames is that number for a sweep. It changes the same pages again
	// and again, so the fewer times they are copied the better.
	sweepFrames = 8 * takeFrames
	// patientFrames is the number for commits of others while a sweep sees to
	// the log.
	patientFrames = 14 * takeFrames
)

// piece has the writer do a part of a sweep, of a number of rows or pages. When
// the write-ahead log is full then, it is taken over before the next one.
func (s *Store) piece(ctx context.Context, size *pace, n int, do func(ctx context.Context, w *writer) error) error {
	full := false
	err := s.ask(ctx, s.patient, func(ctx context.Context, w *writer) (err error) {
		began := time.Now()
		err = w.lazily(ctx, func() error { return do(ctx, w) })
		size.took(n, time.Since(began))
		if err != nil || s.takeover == nil {
			return err
		}
		state, err := checkpoint(ctx, w.conn, "NOOP")
		full = state.frames-state.moved >= s.options.sweepFrames
		return err
	})
	if err != nil || !full {
		return err
	}
	return s.takeover.run(ctx)
}

// takeover takes the write-ahead log over into the file during a sweep, on a
// connection of its own: commits go on meanwhile. It belongs to whoever holds
// the sweep.
type takeover struct {
	store *Store
	db    *sql.DB
}

// beginTakeover leaves the write-ahead log to the sweep, until end is called.
func (s *Store) beginTakeover(ctx context.Context) (end func() error, err error) {
	if s.options.litestream {
		return func() error { return nil }, nil
	}
	t := &takeover{store: s}
	if t.db, err = openTakeover(s.path, s.options); err != nil {
		return nil, err
	}
	if err := t.leave(ctx, patientFrames); err != nil {
		return nil, errors.Join(err, t.db.Close())
	}
	s.takeover = t
	return func() error {
		s.takeover = nil
		err := t.leave(context.WithoutCancel(ctx), takeFrames)
		if errors.Is(err, ErrStopped) {
			err = nil // and nothing is written any more
		}
		return errors.Join(err, t.db.Close())
	}, nil
}

// leave sets at how many pages a commit takes the log over.
func (t *takeover) leave(ctx context.Context, frames int64) error {
	return t.store.ask(ctx, t.store.patient, func(ctx context.Context, w *writer) error {
		_, err := w.conn.ExecContext(ctx, "PRAGMA wal_autocheckpoint = "+itoa(frames))
		return t.store.writeError("set when the write-ahead log is taken over", err)
	})
}

// run takes over what there is, and then has the writer take over the little
// that came meanwhile: only a log without a rest begins anew.
func (t *takeover) run(ctx context.Context) error {
	const what = "take the write-ahead log over"
	if _, err := checkpoint(ctx, t.db, "PASSIVE"); err != nil {
		return t.store.writeError(what, err)
	}
	return t.store.ask(ctx, t.store.patient, func(ctx context.Context, w *writer) error {
		_, err := checkpoint(ctx, w.conn, "PASSIVE")
		return t.store.writeError(what, err)
	})
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
