package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// A file can be deleted, replaced or made shorter while it is open, and SQLite
// goes on writing into what nobody will find. So the writer looks at its file
// every second and before everything it does, and does nothing while the file is
// not as it was. If that lasts, the owner of the file starts again with what is
// at the path then, as Open does.

// watch is what the writer knows of its file. All but trouble, era and asked
// belongs to the goroutine of Run.
type watch struct {
	// file is what was opened, size its size when it was last as it should be.
	file os.FileInfo
	size int64
	// beside are the write-ahead log and its index as they were then.
	beside map[string]os.FileInfo
	// trusted is until when the file is not read for damage, because it just was.
	trusted time.Time
	// since is when the file was first found not to be as it was.
	since time.Time
	// expire is until when reading connections are not used again.
	expire time.Time
	// trouble says what is wrong with the file; nil is nothing.
	trouble atomic.Pointer[error]
	// era counts the beginnings and the ends of new starts: it is odd during one.
	// What began in one era must not go on in another one.
	era atomic.Int64
	// asked is the era in which the checkpoint was last asked for.
	asked atomic.Int64
	// replaced is closed and replaced itself at each new start.
	replaced atomic.Pointer[chan struct{}]
}

func newWatch() *watch {
	w, replaced := &watch{}, make(chan struct{})
	w.replaced.Store(&replaced)
	return w
}

// patience is how long a file may be away before there is a new start. A file that
// was moved by mistake can be put back until then.
const patience = 2 * time.Second

// trust is how long a file that was read for damage in vain is trusted.
const trust = 10 * time.Minute

// remember notes a file that is as it should be.
func (s *Store) remember(info os.FileInfo) {
	s.watch.file, s.watch.size = info, info.Size()
	s.rememberBeside()
}

func (s *Store) rememberBeside() {
	s.watch.beside = map[string]os.FileInfo{}
	for _, suffix := range []string{"-wal", "-shm"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			s.watch.beside[suffix] = info
		}
	}
}

// intact returns an error if the file is not as it was. Where it only looks at the
// size, a file that grew and was cut since the last look may pass.
func (s *Store) intact(thorough bool) error {
	info, err := os.Stat(s.path)
	w := s.watch
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the history %s: %w", s.path, err)
	case err != nil || !os.SameFile(info, w.file) || s.write.conn == nil:
		return fmt.Errorf("the history %s was %w", s.path, ErrGone)
	case info.Size() == 0 || (thorough || info.Size() < w.size) && s.lacksPages():
		return fmt.Errorf("the history %s was %w", s.path, ErrShortened)
	}
	w.size = info.Size() // a sweep makes it shorter too
	return nil
}

// lacksPages reports whether the file is too short. Pages that the write-ahead
// log has may be missing in it, and no others.
func (s *Store) lacksPages() bool {
	ctx := context.Background()
	var pages, size int64
	err := s.write.conn.QueryRowContext(ctx, "SELECT c.page_count, s.page_size FROM pragma_page_count c, pragma_page_size s").Scan(&pages, &size)
	if err == nil {
		var l logState
		if l, err = checkpoint(ctx, s.write.conn, "NOOP"); err == nil {
			var have int64
			if have, err = fileSize(s.path); err == nil && have/size+int64(l.frames-l.moved) >= pages {
				return false
			}
		}
	}
	// Another process may have made it shorter in between. This takes long only
	// if nothing is wrong, so it is not done often.
	if time.Now().Before(s.watch.trusted) {
		return false
	}
	damaged := s.quickCheck(ctx)
	if !damaged {
		s.watch.trusted = time.Now().Add(trust)
	}
	return damaged
}

// quickCheck reports whether a new connection finds the file damaged.
func (s *Store) quickCheck(ctx context.Context) (damaged bool) {
	db, err := open(s.path, s.options.vfs, url.Values{"mode": {"ro"}, "_error_rc": {"1"}, "_busy_timeout": {milliseconds(s.options.busyTimeout)}}, 1)
	if err != nil {
		return false
	}
	defer func() { _ = db.Close() }() // only read from
	var result string
	err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result)
	c := code(err)
	return c == lib.SQLITE_CORRUPT || c == lib.SQLITE_NOTADB || err == nil && result != "ok"
}

// look is what the writer does every second.
func (s *Store) look() {
	w := s.watch
	if !w.expire.IsZero() && time.Now().After(w.expire) {
		w.expire = time.Time{}
		s.readers.SetConnMaxLifetime(0)
	}
	if s.check(true) == nil {
		s.rememberBeside()
		s.watchWAL(context.Background())
		return
	}
	reason := s.intact(true)
	if s.owner == nil || time.Since(w.since) < patience || !errors.Is(reason, ErrGone) && !errors.Is(reason, ErrShortened) {
		return
	}
	if err := s.startAgain(context.Background(), reason); err != nil {
		s.setTrouble(fmt.Errorf("%w, and the history could not be started again: %w", reason, err))
	}
}

// check returns an error if the file is not as it was, and logs that once.
func (s *Store) check(thorough bool) error {
	w := s.watch
	before := w.trouble.Load()
	err := s.intact(thorough || before != nil)
	switch {
	case err == nil && before != nil:
		w.trouble.Store(nil)
		s.options.logger.Info("the history is as it was again", "file", s.path)
	case err != nil && before == nil:
		w.since = time.Now()
		s.setTrouble(err)
	case err != nil:
		return *before
	}
	return err
}

// setTrouble logs an error unless it is the one that was logged last.
func (s *Store) setTrouble(err error) {
	before := s.watch.trouble.Swap(&err)
	if before == nil || (*before).Error() != err.Error() {
		s.options.logger.Error("nothing can be stored in the history", "file", s.path, "error", err)
	}
}

// startAgain does what Open does with a file like this one, while the store is
// in use.
func (s *Store) startAgain(ctx context.Context, reason error) error {
	s.watch.era.Add(1)
	err := s.replace(ctx, reason)
	s.watch.era.Add(1)
	if err == nil {
		next := make(chan struct{})
		close(*s.watch.replaced.Swap(&next))
	}
	return err
}

// Replaced implements sinks.Replaceable.
func (s *Store) Replaced() <-chan struct{} { return *s.watch.replaced.Load() }

func (s *Store) replace(ctx context.Context, reason error) error {
	if err := s.clearPath(reason); err != nil {
		return err
	}
	if err := s.keepLock(ctx); err != nil {
		return err
	}
	if err := s.write.close(); err != nil {
		s.options.logger.Warn("the old file of the history could not be closed", "file", s.path, "error", err)
	}
	s.write.conn = nil // until there is another
	fresh, err := s.openAgain(ctx)
	if err != nil {
		return err
	}
	return s.use(ctx, fresh)
}

// clearPath moves what must not be mixed with the new file out of its way.
func (s *Store) clearPath(reason error) error {
	if errors.Is(reason, ErrShortened) {
		if s.options.strict {
			return errors.New("with the option Strict a damaged file stays; stop the database and restore a backup")
		}
		return moveAside(s.path, s.options, reason)
	}
	// SQLite would replay the log of a file that is gone into another one.
	for suffix, ours := range s.watch.beside {
		info, err := os.Stat(s.path + suffix)
		if err != nil || !os.SameFile(info, ours) {
			continue
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

// openAgain opens what is at the path now, as openOwned does.
func (s *Store) openAgain(ctx context.Context) (*writer, error) {
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

// use makes a new connection the one that writes, and has all reading ones made
// again.
func (s *Store) use(ctx context.Context, fresh *writer) error {
	s.write.take(fresh)
	s.names.clear()
	s.readers.SetConnMaxLifetime(time.Nanosecond)
	s.watch.expire = time.Now().Add(s.options.readTimeout)
	s.damaged.Store(false)
	info, err := os.Stat(s.path)
	if err == nil {
		err = s.readIdentity(ctx)
	}
	if err == nil {
		err = s.refreshNames(ctx)
	}
	if err != nil {
		return err
	}
	s.remember(info)
	s.watch.trouble.Store(nil)
	s.options.logger.Warn("the history was started again with what is at its path; the log fills it as far as it reaches back", "file", s.path, "identity", s.Identity())
	return nil
}

// known returns an error if the file was replaced and the checkpoint of the new
// one was not asked for yet: the batches of who does not know it would leave out
// what the new file lacks.
func (s *Store) known() error {
	if s.watch.asked.Load() != s.watch.era.Load() {
		return fmt.Errorf("write to the history %s: it was %w; go on from its new checkpoint", s.path, ErrGone)
	}
	return nil
}

// still returns an error if the file was replaced since an era.
func (s *Store) still(era int64) error {
	if s.watch.era.Load() != era {
		return fmt.Errorf("the history %s was %w; begin again", s.path, ErrGone)
	}
	return nil
}

// ofOneFile ends a sequence with an error if the file is replaced meanwhile.
func ofOneFile[T any](s *Store, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		era := s.watch.era.Load()
		var none T
		for one, err := range all {
			if gone := s.still(era); err == nil && gone != nil {
				yield(none, gone)
				return
			}
			if !yield(one, err) {
				return
			}
		}
		if err := s.still(era); err != nil {
			yield(none, err)
		}
	}
}
