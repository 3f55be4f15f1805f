package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/internal/disk"
)

// Place says where a database keeps things.
type Place struct {
	// Dir is its directory, and History the path of its history in SQLite, empty if it is
	// elsewhere.
	Dir, History string
	// OtherLog says that the log is not in Dir.
	OtherLog bool
	// LogBytes is how large the log may become.
	LogBytes uint64
	// Backups is the directory of the backups, and Every the time between them. If there
	// are none by the settings, Every is 0.
	Backups string
	Every   time.Duration
	// Now is the time that the times of rows and backups are compared with.
	Now time.Time
}

const (
	// leastFree is what a file system has free that is not full.
	leastFree = 64 << 20
	// largeWAL is the size of a write-ahead log that something keeps from shrinking.
	largeWAL = 256 << 20
	// leastFiles is how many files a server needs that has some clients.
	leastFiles = 1024
)

// Directory looks at the directory of a database.
func Directory(ctx context.Context, p Place) []Finding {
	r := &report{now: p.Now}
	info, err := os.Stat(p.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.problem("directory", p.Dir, "start a database on it, or give the right one with --dir or --config", "it does not exist")
		return r.all
	case err != nil:
		r.problem("directory", p.Dir, "look at it as the user of the database", "it cannot be looked at: %v", err)
		return r.all
	case !info.IsDir():
		r.problem("directory", p.Dir, "give a directory with --dir or --config", "it is no directory")
		return r.all
	}
	r.ok("directory", p.Dir, "it exists")
	r.permissions(p.Dir, info)
	r.fileSystem(p)
	r.lock(filepath.Join(p.Dir, "aimdb.lock"))
	r.openFiles()
	r.format(p)
	if p.History != "" {
		r.history(ctx, p)
		r.leftovers(p.History)
	}
	r.backups(p)
	return r.all
}

func (r *report) permissions(dir string, info fs.FileInfo) {
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		r.warn("permissions", dir, "chmod 700 "+dir, "other users may look into it (mode %o)", mode)
	}
	if !writable(dir) {
		r.problem("permissions", dir, "give it to the user of the database (chown), mount its file system for writing, or run the doctor as that user", "this user, %d, cannot write to it; its owner is %s", os.Geteuid(), ownerOf(info))
		return
	}
	r.ok("permissions", dir, "this user can write to it; its owner is %s", ownerOf(info))
}

// fileSystem looks at the space for the log, and the kind of the file system.
func (r *report) fileSystem(p Place) {
	logged := dirSize(filepath.Join(p.Dir, "log"))
	space, err := disk.SpaceOf(p.Dir)
	switch rest := p.LogBytes - min(p.LogBytes, logged); {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		r.problem("space", p.Dir, "look at its file system", "%v", err)
	case space.Free < leastFree:
		r.problem("space", p.Dir, "free some, or move the directory to a larger disk", "%s free", size(space.Free))
	case space.Free < rest:
		r.warn("space", p.Dir, "lower log_bytes, or free some", "%s free, and the log may grow by %s", size(space.Free), size(rest))
	default:
		r.ok("space", p.Dir, "%s free of %s; the log has %s of %s", size(space.Free), size(space.Total), size(logged), size(p.LogBytes))
	}
	if name, why, err := disk.Kind(p.Dir); err == nil && name != "" {
		r.warn("file system", p.Dir, "move the directory to a local disk", "it is on %s: %s", name, why)
	}
}

func dirSize(dir string) (sum uint64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what cannot be read is said by other checks
		}
		if info, err := d.Info(); err == nil {
			sum += uint64(info.Size())
		}
		return nil
	})
	return sum
}

// lock says who uses the directory.
func (r *report) lock(path string) {
	if _, err := os.Stat(path); err != nil {
		r.ok("lock", path, "no database has used the directory")
		return
	}
	pid, err := holder(path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		r.warn("lock", path, "look at it as root", "it is not known who holds it: %v", err)
	case pid == 0:
		r.ok("lock", path, "no process uses the directory")
	default:
		r.ok("lock", path, "process %d uses the directory", pid)
	}
}

// format finds a log that needs a newer program.
func (r *report) format(p Place) {
	if p.OtherLog {
		return
	}
	path := filepath.Join(p.Dir, "log")
	switch err := natsd.CheckFormat(path); {
	case errors.Is(err, natsd.ErrNewer):
		r.problem("log", path, "use the newer program, or restore a backup of before", "%v", err)
	case err != nil:
		r.problem("log", path, "look at it as the user of the database", "%v", err)
	}
}

// openFiles looks at the limit of this process, which that of a server is like if it is
// started in the same way.
func (r *report) openFiles() {
	n, err := fileLimit()
	if err == nil && n < leastFiles {
		r.warn("open files", "this process", "raise it with ulimit -n, or LimitNOFILE= in the unit", "%d files can be open; each client takes one", n)
	}
}

// leftovers names what an incident left beside a history.
func (r *report) leftovers(history string) {
	dir, base := filepath.Split(history)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return // other checks say so
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), base)
		path := filepath.Join(dir, e.Name())
		switch {
		case !ours || slices.Contains([]string{"", "-wal", "-shm", "-journal", ".lock"}, rest):
		case strings.HasPrefix(rest, ".corrupt-") || strings.HasPrefix(rest, ".gone-"):
			r.warn("leftovers", path, "see with 'aimdb history check' what can be read of it, and remove it when it is not wanted", "it was moved aside, as it was damaged or replaced")
		case strings.HasPrefix(rest, ".restoring") || strings.HasPrefix(rest, ".part"):
			r.warn("leftovers", path, "remove it if no restore or backup runs", "it is the rest of a restore or a backup that was cut")
		}
	}
}

// backups looks at the newest backup.
func (r *report) backups(p Place) {
	if p.Backups == "" {
		return
	}
	all, err := backup.List(p.Backups)
	if err != nil {
		if p.Every > 0 {
			r.problem("backup", p.Backups, "make the directory, or mount its disk", "%v", err)
		}
		return
	}
	if left, err := backup.Leftovers(p.Backups); err == nil && len(left) > 0 {
		r.warn("backup", left[0], "nothing, if a backup is being made; the next one removes it", "it is the rest of a backup that was cut, or one that is being made")
	}
	if len(all) == 0 {
		if p.Every > 0 {
			r.problem("backup", p.Backups, "look at /health and the log of the server for why, or make one with 'aimdb backup now'", "there is no backup")
		}
		return
	}
	newest := slices.MaxFunc(all, func(a, b backup.File) int { return a.Time.Compare(b.Time) })
	age := r.now.Sub(newest.Time).Round(time.Second)
	if p.Every > 0 && age > 2*p.Every {
		r.problem("backup", newest.Path, "look at /health and the log of the server for why", "the newest backup is %v old, and one is due every %v", age, p.Every)
		return
	}
	r.ok("backup", newest.Path, "the newest of %d is %v old and has %s", len(all), age, size(uint64(newest.Bytes)))
}
