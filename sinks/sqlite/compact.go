package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	lib "modernc.org/sqlite/lib"
)

// CompactReport says what Compact did to a file, in bytes.
type CompactReport struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Compact rewrites a file that no other process has open. Afterwards it has no
// free space and can shrink while it is in use. Compact needs about the size of
// the history as free space on the disk. Tables do not change.
func Compact(ctx context.Context, path string, opts ...Option) (report CompactReport, err error) {
	o := defaults(opts)
	owner, err := takeOwnership(ctx, path, min(o.busyTimeout, lockWait))
	if err != nil {
		return report, fmt.Errorf("compact: %w", err)
	}
	if owner == nil {
		return report, fmt.Errorf("compact: %w", inUse(path))
	}
	defer func() { err = errors.Join(err, owner.Remove()) }()
	have, err := inspect(ctx, path, o)
	if err != nil {
		return report, err
	}
	if have < 0 {
		return report, fmt.Errorf("compact %s: there is no history in it", filepath.Clean(path))
	}
	if report.Before, err = fileSize(path); err != nil {
		return report, fmt.Errorf("compact: %w", err)
	}
	if err := vacuum(ctx, path, o); err != nil {
		if code(err) == lib.SQLITE_BUSY {
			return report, fmt.Errorf("compact %s: another process uses it; stop that first: %w", path, err)
		}
		return report, fmt.Errorf("compact %s: %w", path, err)
	}
	report.After, err = fileSize(path)
	return report, err
}

// vacuum locks the file exclusively first, so that it never runs a VACUUM while
// another process waits for the file.
func vacuum(ctx context.Context, path string, o options) error {
	db, err := openWriter(path, o)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // only read from, or lost already
	for _, statement := range []string{
		"PRAGMA locking_mode = EXCLUSIVE",
		"BEGIN EXCLUSIVE", "COMMIT",
		"PRAGMA auto_vacuum = INCREMENTAL",
		"VACUUM",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
