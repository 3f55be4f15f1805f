package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aimdb-go/aimdb/history"
)

// salvage copies what can be read of a damaged file into a new one, and puts that in its
// place. The damaged file stays beside it under a name with the time. It runs in the
// goroutine of Run and holds SQLite's lock, so nothing is written meanwhile; then the store
// restarts with the new file, as after any other file that was replaced.
func (s *Store) salvage(ctx context.Context, w *writer, problems []string, done *history.Repaired) error {
	path, err := target(s.path)
	if err != nil {
		return fmt.Errorf("find the file of %s: %w", s.path, err)
	}
	part, aside := path+".salvaging", asideName(path, "corrupt")
	var result *salvager
	err = w.alone(ctx, path, func() (err error) {
		if result, err = s.salvageInto(ctx, w, part); err != nil {
			return err
		}
		if err := os.Link(path, aside); err != nil { // a kill leaves one of the two at the path
			return err
		}
		return swap(part, path)
	})
	err = errors.Join(err, removeNew(part))
	if err != nil {
		return fmt.Errorf("copy what can be read of the damaged history %s into a new file: %w%s", path, err, hint(err))
	}
	done.Aside, done.Lost = aside, done.Lost+result.lost()
	s.options.logger.Error("the structure of the history was damaged: what can be read was copied into a new file, and the old one is kept aside",
		"file", path, "moved_to", aside, "rows", result.rows, "unreadable", result.unread, "reason", problems[0])
	return s.restart(context.WithoutCancel(ctx), fmt.Errorf("the history %s was %w", path, ErrGone))
}

// removeNew removes a new file and what SQLite keeps beside it.
func removeNew(part string) error {
	return removeAll(part, part+beside[0], part+beside[1], part+beside[2])
}

// alone calls do while no other process can write and the write-ahead log is empty, so that
// do may put another file in the place of this one.
func (w *writer) alone(ctx context.Context, path string, do func() error) error {
	if _, err := checkpoint(ctx, w.conn, "TRUNCATE"); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	size, err := fileSize(path + beside[0])
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil && size > 0 {
		err = errors.New("another process writes to it; stop that and try again")
	}
	if err == nil {
		err = do()
	}
	_, ended := w.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return errors.Join(err, ended)
}

// salvageInto makes the new file and puts it on the disk.
func (s *Store) salvageInto(ctx context.Context, w *writer, part string) (c *salvager, err error) {
	old, err := os.Stat(s.path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(removeNew(part), createPrivate(part)); err != nil {
		return nil, err
	}
	known := &names{}
	known.known.Store(newNameSet(nil))
	into, err := newWriter(ctx, part, s.options, -1, true, known)
	if err != nil {
		return nil, err
	}
	c = &salvager{from: w, into: into, identity: s.Identity(), now: s.now()}
	err = c.copy(ctx)
	if err == nil {
		_, err = checkpoint(ctx, into.conn, "TRUNCATE")
	}
	if err = errors.Join(err, into.close()); err != nil {
		return nil, err
	}
	if err := takeAfter(part, old); err != nil {
		return nil, err
	}
	return c, syncFile(part)
}
