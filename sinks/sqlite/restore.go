package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	lib "modernc.org/sqlite/lib"
)

// beside are what SQLite keeps beside a file and puts into it at the next
// opening, whatever the file is by then.
var beside = [...]string{"-wal", "-shm", "-journal"}

// Verify reads a whole history for damage of its structure. A file that is no
// history is an error too.
func Verify(ctx context.Context, path string, opts ...Option) (err error) {
	s, err := OpenReadOnly(path, opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.verify(ctx)
}

func (s *Store) verify(ctx context.Context) error {
	problems, err := integrity(ctx, s.readers)
	if err != nil {
		return s.readError("check the structure", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("check %s: %w: %s", s.path, ErrCorrupt, strings.Join(problems, "; "))
	}
	return nil
}

// Restore replaces the history at a path, if there is one, by a copy of a backup.
// The backup is verified first. The history is replaced at once, together with
// what SQLite would replay into the copy: a process that is killed meanwhile
// leaves the old history or the new one. A history that is in use is refused.
func Restore(ctx context.Context, backup, path string, opts ...Option) error {
	if err := restore(ctx, backup, path, opts); err != nil {
		return fmt.Errorf("restore %s to %s: %w", backup, path, err)
	}
	return nil
}

func restore(ctx context.Context, backup, path string, opts []Option) (err error) {
	o := defaults(opts)
	if path, err = target(path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return err
	}
	owner, err := takeOwnership(ctx, path, min(o.busyTimeout, lockWait))
	if err != nil {
		return err
	}
	if owner == nil {
		return inUse(path)
	}
	defer func() { err = errors.Join(err, owner.Remove()) }()
	old, err := replaceable(ctx, backup, path, o)
	if err != nil {
		return err
	}
	release, err := holdAlone(ctx, path, o)
	if err != nil {
		return err
	}
	defer release()
	part := path + ".restoring"
	defer func() { err = errors.Join(err, removeAll(part, part+"-journal")) }()
	if err := copyVerified(ctx, backup, part, opts); err != nil {
		if errors.Is(err, ErrCorrupt) {
			return fmt.Errorf("%w; nothing was changed; take another backup", err)
		}
		return err
	}
	if old != nil {
		if err := takeAfter(part, old); err != nil {
			return err
		}
	}
	return swap(part, path)
}

// target follows links, also one that leads to nothing yet.
func target(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("there are too many links")
}

// replaceable refuses what is no history, and the backup itself. It returns nil
// if there is nothing to replace.
func replaceable(ctx context.Context, backup, path string, o options) (os.FileInfo, error) {
	old, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if from, err := os.Stat(backup); err == nil && os.SameFile(from, old) {
		return nil, errors.New("the two are one file")
	}
	_, err = inspect(ctx, path, o)
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewer) {
		err = nil // what a backup is for
	}
	return old, err
}

// holdAlone takes a file for itself, as SQLite does, and puts what lies in its
// write-ahead log into it, so that the log can be removed at any time. A file
// that is not there, or too damaged for that, is left as it is.
func holdAlone(ctx context.Context, path string, o options) (release func(), err error) {
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return func() {}, nil
	}
	db, err := open(path, o.vfs, url.Values{
		"mode": {"rw"}, "_error_rc": {"1"}, "_busy_timeout": {milliseconds(min(o.busyTimeout, lockWait))},
	}, 1)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err = db.ExecContext(ctx, statement); err != nil {
			break
		}
	}
	// SQLite leaves the names of a file alone that was replaced meanwhile.
	release = func() { _ = db.Close() }
	switch code(err) {
	case lib.SQLITE_OK:
		return release, nil
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		err = nil
	case lib.SQLITE_BUSY:
		err = fmt.Errorf("another process has it open; stop that first: %w", err)
	}
	release()
	return func() {}, err
}

// copyVerified verifies a backup and copies it into a new file.
func copyVerified(ctx context.Context, backup, part string, opts []Option) (err error) {
	s, err := OpenReadOnly(backup, opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.verify(ctx); err != nil {
		return err
	}
	return s.copyOut(ctx, part)
}

// copyOut writes a copy of the file as of one moment and puts it on the disk.
func (s *Store) copyOut(ctx context.Context, part string) error {
	if err := removeAll(part, part+"-journal"); err != nil {
		return fmt.Errorf("remove the rest of an earlier try: %w", err)
	}
	if err := createPrivate(part); err != nil {
		return err
	}
	if err := s.copyInto(ctx, part); err != nil {
		return err
	}
	return finishCopy(ctx, part, s.own, s.options)
}

func swap(part, path string) error {
	for _, suffix := range beside {
		if err := removeAll(path + suffix); err != nil {
			return err
		}
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}
