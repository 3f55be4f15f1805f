package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/internal/filelock"
	"github.com/aimdb-go/aimdb/sinks"
)

var _ sinks.Replaceable = (*Store)(nil)

// Store is a history in one SQLite file.
type Store struct {
	path    string
	options options

	// write is owned by Run and nil if the store is read-only. readers may be
	// used by any goroutine.
	write   *writer
	readers *sql.DB
	reads   reads
	names   names

	// urgent holds writes, background what may wait for them.
	urgent, background chan *command
	// stopped is closed when Run has ended.
	stopped chan struct{}
	running atomic.Bool

	// sweep is held by whoever deletes or counts rows; only one may. checkpointer
	// and the generation in which it took hold belong to the holder.
	sweep           chan struct{}
	checkpointer    *checkpointer
	sweepGeneration int64

	// owner is held as long as the store is open. It is nil if the store is
	// read-only or beside another.
	owner *filelock.Lock

	// version is that of the schema; a file that is only read may have an older
	// one. own says that it has the tables of this program.
	version  int
	own      bool
	identity atomic.Pointer[string]
	watch    *watch

	walStuck atomic.Bool
	// checkpointSaid is set once a damaged checkpoint was logged.
	checkpointSaid atomic.Bool
	// damaged is set when a read or a write meets a damaged page.
	damaged  atomic.Bool
	close    sync.Once
	closeErr error
}

// Open opens the history in a file, and makes the file and its directory if
// they are not there, for the user of the process alone. Run must run for anything to be written. Until it is
// closed the store is the owner of the file, and another Open of it fails with
// ErrInUse; the lock is on a file beside it that Close removes.
func Open(path string, opts ...Option) (*Store, error) {
	o := defaults(opts)
	ctx := context.Background()
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return nil, fmt.Errorf("make the directory of the history: %w", err)
	}
	wait := min(o.busyTimeout, lockWait)
	if o.beside {
		wait = 0
	}
	owner, err := takeOwnership(ctx, path, wait)
	if err != nil {
		return nil, err
	}
	if owner == nil && !o.beside {
		return nil, inUse(path)
	}
	s, err := openOwned(ctx, path, o, owner != nil)
	if err == nil && !o.beside {
		s.owner = owner
		return s, nil
	}
	if released := owner.Remove(); released != nil && err == nil {
		_ = s.Close() // the first error is the one to tell
		return nil, fmt.Errorf("open the history %s: %w", path, released)
	}
	return s, err
}

// openOwned opens a file that this process owns, or one beside its owner.
func openOwned(ctx context.Context, path string, o options, owned bool) (*Store, error) {
	s, err := openFile(ctx, path, o, owned)
	if !errors.Is(err, ErrCorrupt) {
		return s, err
	}
	if o.strict || o.beside {
		return nil, fmt.Errorf("%w; restore a backup, or open it without the strict option to start a new file, which the log fills as far as it reaches back", err)
	}
	if err := moveAside(path, o, err); err != nil {
		return nil, err
	}
	return openFile(ctx, path, o, owned)
}

func openFile(ctx context.Context, path string, o options, owned bool) (*Store, error) {
	have, err := inspect(ctx, path, o)
	if err != nil {
		return nil, err
	}
	if !owned && have != version {
		return nil, fmt.Errorf("open the history %s: %w, which has not brought it up to date yet; try again later, or stop that process", path, ErrInUse)
	}
	if have < 0 {
		if err := createPrivate(path); err != nil {
			return nil, fmt.Errorf("open the history: %w", err)
		}
	}
	s := newStore(path, o)
	if s.write, err = newWriter(ctx, path, o, have, owned, &s.names); err != nil {
		return nil, fmt.Errorf("open the history %s: %w%s", path, corruptError(err), hint(err))
	}
	s.damaged.Store(s.write.unchecked) // so that Close does not mark it as clean
	if err := s.openReading(ctx, version); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, fmt.Errorf("open the history %s: %w%s", path, corruptError(err), hint(err))
	}
	if s.write.quirk != "" {
		o.logger.Warn(s.write.quirk, "file", path)
	}
	return s, nil
}

// OpenReadOnly opens the history in an existing file for queries, whether or
// not another process writes to it. Neither the file nor its schema changes.
func OpenReadOnly(path string, opts ...Option) (*Store, error) {
	return openReadOnly(path, defaults(opts))
}

func openReadOnly(path string, o options) (*Store, error) {
	ctx := context.Background()
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the history %s for reading: %w", path, err)
	}
	have, err := inspect(ctx, path, o)
	if err != nil {
		return nil, err
	}
	if have < 0 {
		return nil, fmt.Errorf("open the history %s for reading: it is empty", path)
	}
	s := newStore(path, o)
	if err := s.openReading(ctx, have); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, fmt.Errorf("open the history %s for reading: %w", path, err)
	}
	return s, nil
}

func newStore(path string, o options) *Store {
	s := &Store{
		path:       path,
		options:    o,
		urgent:     make(chan *command, 4),
		background: make(chan *command, 1),
		stopped:    make(chan struct{}),
		watch:      newWatch(),
		sweep:      make(chan struct{}, 1),
	}
	s.names.known.Store(newNameSet(nil))
	return s
}

// openReading opens the pool of readers, and reads the identity and the names.
func (s *Store) openReading(ctx context.Context, have int) (err error) {
	s.version, s.own = have, have > 0
	if s.readers, err = openReaders(s.path, s.options); err != nil {
		return err
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	s.remember(info)
	if s.reads, err = prepareReads(ctx, s.readers, have); err != nil {
		return err
	}
	if err := s.readIdentity(ctx); err != nil {
		return err
	}
	err = s.refreshNames(ctx)
	if s.options.unchecked {
		err = ifReadable(err) // a repair makes the index again
	}
	return err
}

// Path returns the path that the store was opened with.
func (s *Store) Path() string { return s.path }

// Identity returns what tells this database from every other, also from one
// made later under the same path. A copy has the identity of its original.
func (s *Store) Identity() string { return *s.identity.Load() }

// Name implements sinks.Sink.
func (s *Store) Name() string { return s.options.name }

// Close ends all readers and, once Run has ended, the writer. It must not be
// called while Run runs.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.reads.close()
		if s.readers != nil {
			s.closeErr = s.readers.Close()
		}
		if s.write != nil {
			s.markClean()
			s.closeErr = errors.Join(s.closeErr, s.write.close())
		}
		s.closeErr = errors.Join(s.closeErr, s.owner.Remove())
		if s.closeErr != nil {
			s.closeErr = fmt.Errorf("close the history %s: %w", s.path, s.closeErr)
		}
	})
	return s.closeErr
}

// markClean saves the next start a check of the whole file. If it fails, on a full
// disk for example, only the time of that check is lost.
func (s *Store) markClean() {
	if s.owner == nil || s.damaged.Load() || s.fileError(true) != nil {
		return
	}
	if err := s.write.markClean(context.Background()); err != nil {
		s.options.logger.Warn("the history could not be marked as closed cleanly; the next start checks all of it", "file", s.path, "error", err)
	}
}

// reading bounds one read transaction.
func (s *Store) reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.options.readTimeout)
}

func (s *Store) now() int64 { return time.Now().UnixMilli() }

// interval is how often a writer looks after its file and the write-ahead log.
const interval = time.Second
