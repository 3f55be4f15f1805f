package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Backup writes a consistent copy into a new file while reads and writes go on.
// The copy is one file and opens as it is. It appears under its name when it is
// complete and synced. The write-ahead log grows while it is made.
func (s *Store) Backup(ctx context.Context, to string) error {
	return s.backUp(ctx, to, func(string) error { return nil })
}

// backUp makes a copy, which gets its name once prove accepts it.
func (s *Store) backUp(ctx context.Context, to string, prove func(part string) error) error {
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up %s: %s exists already; choose a new name", s.path, to)
	}
	part := to + ".part"
	err := s.copyOut(ctx, part)
	if err == nil {
		err = prove(part)
	}
	if err == nil {
		err = nameCopy(part, to)
	}
	err = errors.Join(err, removeAll(part, part+"-journal", part+"-wal", part+"-shm"))
	if err == nil {
		err = syncFile(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("back up %s to %s: %w", s.path, to, err)
	}
	return nil
}

// nameCopy gives a copy its name. Unlike a rename, a link replaces nothing; a file system
// may have none.
func nameCopy(part, to string) error {
	err := os.Link(part, to)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Rename(part, to)
}

func (s *Store) copyInto(ctx context.Context, to string) error {
	db, err := open(s.path, s.options.vfs, url.Values{"mode": {"ro"}, "_busy_timeout": {milliseconds(s.options.busyTimeout)}}, 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // only read from, or lost already
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err
}

// finishCopy marks a copy as closed cleanly and syncs it.
func finishCopy(ctx context.Context, path string, own bool, o options) error {
	if own {
		db, err := open(path, o.vfs, url.Values{"mode": {"rw"}, "_synchronous": {"FULL"}}, 1)
		if err != nil {
			return err
		}
		if err := errors.Join(setMeta(ctx, db, "clean", 1), db.Close()); err != nil {
			return err
		}
	}
	return syncFile(path)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
