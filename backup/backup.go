package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/filelock"
)

// Source is a history that can copy itself. The store of sinks/sqlite is one.
type Source interface {
	// Identity tells the history from every other.
	Identity() string
	// Copy writes a consistent copy into a new file, to with the suffix ".part", while
	// reads and writes go on, reads it whole, and gives it the name to if it is right.
	Copy(ctx context.Context, to string) (history.Copy, error)
}

// The defaults of a Config.
const (
	// DefaultEvery is the time between two backups.
	DefaultEvery = 24 * time.Hour
	// DefaultKeep is how many backups are kept.
	DefaultKeep = 7
)

// Config says how often backups are made, how many are kept, and where.
type Config struct {
	// Every is the time between two backups, DefaultEvery if it is 0.
	Every time.Duration `json:"every,omitempty"`
	// Keep is how many backups are kept, DefaultKeep if it is 0.
	Keep int `json:"keep,omitempty"`
	// Dir is their directory. It is made at the first backup if the directory above is
	// there.
	Dir string `json:"dir,omitempty"`
}

// Check returns an error if the configuration contradicts itself.
func (c Config) Check() error {
	switch {
	case c.Dir == "":
		return errors.New("a backup needs a directory; give dir, on another disk than the history")
	case c.Every < 0:
		return fmt.Errorf("backups cannot be made every %v; give a positive time", c.Every)
	case c.Every > 0 && c.Every < time.Second:
		return fmt.Errorf("a backup every %v is more than the disk can do; give a second at least", c.Every)
	case c.Keep < 0:
		return fmt.Errorf("%d backups cannot be kept; give a positive number", c.Keep)
	}
	return nil
}

// Keeper makes the backups of one history.
type Keeper struct {
	source Source
	config Config
	logger *slog.Logger
	now    func() time.Time

	mu    sync.Mutex
	stats Stats
	// began is when the process started to make backups, good when the newest backup was
	// made, zero if there is none. Both measure time by the monotonic clock.
	began, good time.Time
	made        bool // the directory was there
}

// New returns what makes backups of a source. A nil logger logs nothing.
func New(source Source, c Config, logger *slog.Logger) (*Keeper, error) {
	return newKeeper(source, c, logger, time.Now)
}

func newKeeper(source Source, c Config, logger *slog.Logger, now func() time.Time) (*Keeper, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{source: source, config: c, logger: logger, now: now, began: now(), stats: Stats{Every: c.Every}}, nil
}

// Run makes backups until the context ends, and then returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	k.look()
	timer := time.NewTimer(k.untilDue())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		wait := k.config.Every
		if _, err := k.Back(ctx); err != nil && ctx.Err() == nil {
			wait = min(k.config.Every/10, time.Minute)
			k.logger.Error("the backup failed; it is tried again, and those before stay", "dir", k.config.Dir, "again_after", wait, "error", err)
		}
		timer.Reset(wait)
	}
}

// untilDue returns how long the next backup can wait.
func (k *Keeper) untilDue() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.good.IsZero() || k.stats.LastSuccess.After(k.began) {
		return 0
	}
	return max(0, k.config.Every-k.now().Sub(k.good))
}

// Back makes one backup now and returns it.
func (k *Keeper) Back(ctx context.Context) (File, error) {
	began := k.now()
	f, err := k.locked(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			k.stats.Failures++
			k.stats.LastError = err.Error()
		}
		return f, err
	}
	k.good = began
	k.stats.LastSuccess, k.stats.LastBytes, k.stats.LastDuration, k.stats.LastError = began.UTC(), f.Bytes, k.now().Sub(began), ""
	k.logger.Info("the history was backed up", "file", f.Path, "bytes", f.Bytes, "took", k.stats.LastDuration)
	return f, nil
}

// locked makes a backup while no other process does.
func (k *Keeper) locked(ctx context.Context) (f File, err error) {
	if err := k.makeDir(); err != nil {
		return f, err
	}
	identity := shortIdentity(k.source.Identity())
	lock, err := filelock.Take(filepath.Join(k.config.Dir, "history-"+identity+".lock"), 0o600)
	if err != nil {
		return f, fmt.Errorf("lock the directory of the backups: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Remove()) }()
	left, err := leftovers(k.config.Dir, identity)
	if err == nil {
		err = removeAll(left)
	}
	if err != nil {
		return f, fmt.Errorf("remove the rest of an earlier backup: %w", err)
	}
	all, err := List(k.config.Dir)
	if err != nil {
		return f, err
	}
	all = of(all, identity)
	f = File{History: identity, Number: 1, Time: k.now().UTC().Truncate(time.Second)}
	if len(all) > 0 {
		f.Number = all[0].Number + 1
	}
	f.Path = filepath.Join(k.config.Dir, nameOf(identity, f.Number, f.Time))
	c, err := k.source.Copy(ctx, f.Path)
	if err != nil {
		return f, err
	}
	f.Bytes = c.Bytes
	k.removeOld(append([]File{f}, all...))
	return f, nil
}

// removeOld removes all but the newest backups. That the old ones cannot be removed does
// not make the new one bad.
func (k *Keeper) removeOld(all []File) {
	kept := min(k.config.Keep, len(all))
	for _, old := range all[kept:] {
		if err := removeAll([]string{old.Path}); err != nil {
			k.logger.Warn("an old backup could not be removed; it is tried again after the next one", "file", old.Path, "error", err)
			kept++
		}
	}
	k.mu.Lock()
	k.stats.Kept = kept
	k.mu.Unlock()
}

// makeDir makes the directory once. One that was there and is gone may have been on a disk
// that is gone too.
func (k *Keeper) makeDir() error {
	k.mu.Lock()
	made := k.made
	k.mu.Unlock()
	info, err := os.Stat(k.config.Dir)
	if errors.Is(err, os.ErrNotExist) && !made {
		if err := os.Mkdir(k.config.Dir, 0o700); err != nil {
			return fmt.Errorf("make the directory of the backups: %w; make it, or give another one", err)
		}
		info, err = os.Stat(k.config.Dir)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the directory of the backups, %s, is gone; mount its disk, or make the directory", k.config.Dir)
	case err != nil:
		return fmt.Errorf("look at the directory of the backups: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is no directory; give another one for the backups", k.config.Dir)
	}
	k.mu.Lock()
	k.made = true
	k.mu.Unlock()
	return nil
}

func removeAll(paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
