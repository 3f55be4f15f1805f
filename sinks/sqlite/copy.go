package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/disk"
)

// Copy is Backup with proof: it reads the whole copy before that has its name, and
// compares rows with checksums and counts, and the place in the log with the one that the
// history had when the copy began. It refuses to begin if the disk of the copy has not
// enough space.
func (s *Store) Copy(ctx context.Context, to string) (c history.Copy, err error) {
	if err := s.checkSpace(ctx, filepath.Dir(to)); err != nil {
		return c, fmt.Errorf("back up %s to %s: %w", s.path, to, err)
	}
	before, _, _, err := s.checkpoints(ctx)
	if err != nil {
		return c, fmt.Errorf("back up %s: %w", s.path, s.readError("read the checkpoint", err))
	}
	err = s.backUp(ctx, to, func(part string) error {
		c, err = readCopy(ctx, part, s.options)
		if err == nil && (c.Position.Log != before.Log || c.Position.Sequence < before.Sequence) {
			err = fmt.Errorf("the copy ends at %d of log %q, and the history was at %d of log %q when it began", c.Position.Sequence, c.Position.Log, before.Sequence, before.Log)
		}
		return err
	})
	return c, err
}

// ReadCopy reads a whole backup, as Copy does, and returns an error if it is damaged.
func ReadCopy(ctx context.Context, path string, opts ...Option) (history.Copy, error) {
	return readCopy(ctx, path, defaults(opts))
}

func readCopy(ctx context.Context, path string, o options) (c history.Copy, err error) {
	o.untouched = true
	s, err := openReadOnly(path, o)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	report, err := s.Check(ctx)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("check %s: %w: %s", path, ErrCorrupt, strings.Join(report.Problems, "; "))
	}
	if err != nil {
		return c, err
	}
	c.Rows = report.Rows
	if c.Position, _, _, err = s.checkpoints(ctx); err != nil {
		return c, s.readError("read the checkpoint", err)
	}
	info, err := os.Stat(path)
	if err == nil {
		c.Bytes = info.Size()
	}
	return c, err
}

// immutable reports whether a file can be read as one that nobody changes.
func (o options) immutable(path string) bool {
	if !o.untouched {
		return false
	}
	for _, suffix := range beside {
		if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
			return false
		}
	}
	return true
}

// spareBytes is what a copy leaves free of its disk, which others may write to.
const spareBytes = 16 << 20

// checkSpace returns an error if a directory has no space for a copy.
func (s *Store) checkSpace(ctx context.Context, dir string) error {
	p, err := s.pages(ctx)
	if err != nil {
		return err
	}
	space, err := disk.SpaceOf(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if need := uint64(p.used()) + spareBytes; err == nil && space.Free < need {
		err = fmt.Errorf("%s has %d bytes free, and %d are needed; free some, or choose another disk", dir, space.Free, need)
	}
	return err
}
