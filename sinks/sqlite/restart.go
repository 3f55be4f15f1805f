package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// patience is how long a file may be away before the store restarts. A file that
// was moved by mistake can be moved back until then.
const patience = 2 * time.Second

// restart opens what is at the path now, as Open does, while the store is in use. It
// runs in the goroutine of Run.
func (s *Store) restart(ctx context.Context, reason error) error {
	s.watch.generation.Add(1)
	err := s.reopen(ctx, reason)
	s.watch.generation.Add(1)
	if err == nil {
		next := make(chan struct{})
		close(*s.watch.replaced.Swap(&next))
	}
	return err
}

// Replaced implements sinks.Replaceable.
func (s *Store) Replaced() <-chan struct{} { return *s.watch.replaced.Load() }

func (s *Store) reopen(ctx context.Context, reason error) error {
	if err := s.clearPath(reason); err != nil {
		return err
	}
	if err := s.keepLock(ctx); err != nil {
		return err
	}
	if err := s.write.close(); err != nil {
		s.options.logger.Warn("the old file of the history could not be closed", "file", s.path, "error", err)
	}
	s.write.conn = nil
	fresh, err := s.reopenWriter(ctx)
	if err != nil {
		return err
	}
	s.write.take(fresh)
	return s.reopenReaders(ctx)
}

// clearPath moves the files away that must not be used with the new one.
func (s *Store) clearPath(reason error) error {
	if errors.Is(reason, ErrShortened) {
		if s.options.strict {
			return errors.New("the option Strict leaves a damaged file in place; stop the database and restore a backup")
		}
		return moveAside(s.path, s.options, reason)
	}
	// SQLite would replay the write-ahead log of the old file into the new one.
	for suffix, ours := range s.watch.beside {
		info, err := os.Stat(s.path + suffix)
		if err != nil || !os.SameFile(info, ours) {
			continue // gone, or of the new file
		}
		if err := os.Rename(s.path+suffix, asideName(s.path, "gone")+suffix); err != nil {
			return err
		}
	}
	return nil
}

// keepLock takes the lock again if its file was deleted along with the history.
func (s *Store) keepLock(ctx context.Context) error {
	if _, err := os.Stat(lockPath(s.path)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	owner, err := takeOwnership(ctx, s.path, 0)
	if err != nil {
		return err
	}
	if owner == nil {
		return inUse(s.path)
	}
	var old *filelock.Lock
	old, s.owner = s.owner, owner
	return old.Release()
}

// reopenWriter opens the file, or a new one in place of a damaged one.
func (s *Store) reopenWriter(ctx context.Context) (*writer, error) {
	have, err := inspect(ctx, s.path, s.options)
	if errors.Is(err, ErrCorrupt) && !s.options.strict {
		if err := moveAside(s.path, s.options, err); err != nil {
			return nil, err
		}
		have, err = inspect(ctx, s.path, s.options)
	}
	if err != nil {
		return nil, err
	}
	if err := createPrivate(s.path); err != nil {
		return nil, err
	}
	return newWriter(ctx, s.path, s.options, have, true, &s.names)
}

// reopenReaders reads what the store knows of its file, and makes sure that no
// reading connection to the old file is used again.
func (s *Store) reopenReaders(ctx context.Context) error {
	s.readers.SetConnMaxLifetime(time.Nanosecond)
	s.watch.expire = time.Now().Add(s.options.readTimeout)
	s.names.clear()
	s.damaged.Store(false)
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if err := s.readIdentity(ctx); err != nil {
		return err
	}
	if err := s.refreshNames(ctx); err != nil {
		return err
	}
	s.remember(info)
	s.watch.trouble.Store(nil)
	s.options.logger.Warn("the store has restarted with what is at its path; the log fills it as far as it reaches back", "file", s.path, "identity", s.Identity())
	return nil
}

// endExpiry keeps reading connections again once none of the old file is in use.
func (s *Store) endExpiry() {
	if !s.watch.expire.IsZero() && time.Now().After(s.watch.expire) {
		s.watch.expire = time.Time{}
		s.readers.SetConnMaxLifetime(0)
	}
}

// checkAsked returns an error if the checkpoint was not asked for since the last
// restart. A batch that follows the checkpoint of the old file would leave a gap in
// the new one.
func (s *Store) checkAsked() error {
	if s.watch.asked.Load() != s.watch.generation.Load() {
		return fmt.Errorf("write to the history %s: it was %w; continue from its new checkpoint", s.path, ErrGone)
	}
	return nil
}

// checkGeneration returns an error if the store has restarted since a generation.
func (s *Store) checkGeneration(generation int64) error {
	if s.watch.generation.Load() != generation {
		return fmt.Errorf("the history %s was %w; begin again", s.path, ErrGone)
	}
	return nil
}

// ofOneFile ends a sequence with an error if the store restarts meanwhile.
func ofOneFile[T any](s *Store, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		generation := s.watch.generation.Load()
		var none T
		for one, err := range all {
			if gone := s.checkGeneration(generation); err == nil && gone != nil {
				yield(none, gone)
				return
			}
			if !yield(one, err) {
				return
			}
		}
		if err := s.checkGeneration(generation); err != nil {
			yield(none, err)
		}
	}
}
