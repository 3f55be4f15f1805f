package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// A file can be deleted, replaced or cut short while it is open. SQLite does not
// notice, and writes into a file that nobody finds. So the writer checks its file
// every second and before each command, and fails the command if the file is not
// the one that it opened. See restart.go for what the owner of the file does next.

// watch is what the writer knows of its file. The goroutine of Run owns all that is
// not atomic.
type watch struct {
	// file and beside describe the file, its write-ahead log and its shared memory
	// when they were last in order. size is the size of the file then.
	file   os.FileInfo
	beside map[string]os.FileInfo
	size   int64
	// since is when the file was first found not to be in order.
	since time.Time
	// trouble is what is wrong with the file, nil if nothing is.
	trouble atomic.Pointer[error]

	// generation is incremented at the beginning and at the end of each restart, so
	// it is odd during one. A query, a sweep or an import belongs to one generation.
	generation atomic.Int64
	// asked is the generation in which Checkpoint was last called.
	asked atomic.Int64
	// replaced is closed, and exchanged for a new channel, by each restart.
	replaced atomic.Pointer[chan struct{}]
	// expire is until when reading connections are used only once.
	expire time.Time
}

func newWatch() *watch {
	w, replaced := &watch{}, make(chan struct{})
	w.replaced.Store(&replaced)
	return w
}

// remember notes a file that is in order.
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

// look runs every second in the goroutine of Run.
func (s *Store) look() {
	s.endExpiry()
	if s.checkFile(true) == nil {
		s.rememberBeside()
		s.watchWAL(context.Background())
		return
	}
	reason := s.fileError(true)
	if s.owner == nil || time.Since(s.watch.since) < patience || !errors.Is(reason, ErrGone) && !errors.Is(reason, ErrShortened) {
		return
	}
	if err := s.restart(context.Background(), reason); err != nil {
		s.setTrouble(fmt.Errorf("%w, and the store could not restart with what is at its path: %w", reason, err))
	}
}

// checkFile returns an error if the file is not in order. It logs each change.
func (s *Store) checkFile(thorough bool) error {
	before := s.watch.trouble.Load()
	err := s.fileError(thorough || before != nil)
	switch {
	case err == nil && before != nil:
		s.watch.trouble.Store(nil)
		s.options.logger.Info("the file of the history is in order again", "file", s.path)
	case err != nil && before == nil:
		s.watch.since = time.Now()
		s.setTrouble(err)
	case err != nil:
		return *before
	}
	return err
}

// setTrouble logs an error unless it is the one logged before.
func (s *Store) setTrouble(err error) {
	before := s.watch.trouble.Swap(&err)
	if before == nil || (*before).Error() != err.Error() {
		s.options.logger.Error("the history stores nothing", "file", s.path, "error", err)
	}
}

// fileError returns what is wrong with the file. Only a thorough check finds a file
// that has grown and was cut short since the check before.
func (s *Store) fileError(thorough bool) error {
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
	w.size = info.Size() // a sweep makes it smaller too
	return nil
}

// lacksPages reports whether pages are missing at the end of the file. Pages that
// are only in the write-ahead log are not. A sweep of another process at this very
// moment can make it report true once, which is why a restart checks again.
func (s *Store) lacksPages() bool {
	ctx := context.Background()
	var pages, pageSize int64
	err := s.write.conn.QueryRowContext(ctx, "SELECT c.page_count, s.page_size FROM pragma_page_count c, pragma_page_size s").Scan(&pages, &pageSize)
	if err != nil {
		return false // the command that follows tells
	}
	wal, err := checkpoint(ctx, s.write.conn, "NOOP")
	if err != nil {
		return false
	}
	size, err := fileSize(s.path)
	return err == nil && size/pageSize+int64(wal.frames-wal.moved) < pages
}
