package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Replace puts a history that nobody has open in the place of another one, which a
// process may have open, and keeps that one beside it under the name that Replace
// returns. Who reads the path finds the old history or the new one, also if this process
// is killed. A store that owns the old one restarts with the new one, from the checkpoint
// of that; see Replaced. On Windows a history cannot be replaced while it is open.
func Replace(ctx context.Context, fresh, path string, opts ...Option) (kept string, err error) {
	if kept, err = replace(ctx, fresh, path, defaults(opts)); err != nil {
		return "", fmt.Errorf("replace the history %s by %s: %w", path, fresh, err)
	}
	return kept, nil
}

func replace(ctx context.Context, fresh, path string, o options) (kept string, err error) {
	if path, err = target(path); err != nil {
		return "", err
	}
	old, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	for _, suffix := range beside {
		if info, err := os.Stat(fresh + suffix); err == nil && info.Size() > 0 {
			return "", fmt.Errorf("%s%s has changes that are not in the new history yet; close it first", fresh, suffix)
		}
	}
	if err := errors.Join(takeAfter(fresh, old), syncFile(fresh)); err != nil {
		return "", err
	}
	release, err := holdEmptied(ctx, path, o)
	if err != nil {
		return "", err
	}
	defer release()
	kept = asideName(path, "replaced")
	if err := os.Link(path, kept); err != nil {
		return "", fmt.Errorf("keep the old history: %w", err)
	}
	// What the owner of the old history still writes goes into the log of the kept one.
	if err := os.Rename(path+"-wal", kept+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := removeAll(path+"-shm", path+"-journal", fresh+"-wal", fresh+"-shm"); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return kept, syncFile(filepath.Dir(path))
}

// holdEmptied holds the right to write to a file, at a moment when its write-ahead log is
// empty, so that the file alone is the whole history.
func holdEmptied(ctx context.Context, path string, o options) (release func(), err error) {
	db, err := open(path, o.vfs, url.Values{"mode": {"rw"}, "_busy_timeout": {milliseconds(o.busyTimeout)}}, 1)
	if err != nil {
		return nil, err
	}
	// SQLite leaves the names of a file alone that was replaced meanwhile.
	closing := func() { _ = db.Close() }
	conn, err := db.Conn(ctx)
	if err != nil {
		closing()
		return nil, err
	}
	for range 100 {
		held, err := holdIfEmpty(ctx, conn, path)
		if err != nil {
			closing()
			return nil, err
		}
		if held {
			return func() {
				_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // nothing was written
				_ = conn.Close()
				closing()
			}, nil
		}
	}
	closing()
	return nil, errors.New("its write-ahead log does not get empty, because another process reads it all the time; try again")
}

// holdIfEmpty begins a write transaction. It ends it again if the log is not empty.
func holdIfEmpty(ctx context.Context, conn *sql.Conn, path string) (held bool, err error) {
	if _, err := checkpoint(ctx, conn, "TRUNCATE"); err != nil {
		return false, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	info, err := os.Stat(path + "-wal")
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return true, nil
	}
	_, undo := conn.ExecContext(ctx, "ROLLBACK")
	return false, errors.Join(err, undo)
}
