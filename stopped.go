package aimdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/internal/filelock"
	"github.com/aimdb-go/aimdb/records"
)

// ErrInUse is the error of OpenStopped for the directory of a database that runs.
var ErrInUse = errors.New("a database runs in this directory")

// OpenStopped opens the database in the directory of a Config for [DB.Verify] and
// [DB.Repair], and for nothing else: Run fails. It creates no database, sets no limits
// and does not fill the end of a log, so that what the last stop or a damage has left
// is seen as it is. The name is that of the log in the directory if the Config has
// none. With Config.Log the log is on the servers named there, Dir is optional, and a
// database that runs elsewhere is not noticed. A log that is not there is a finding of
// Verify. Of the other fields only Backend, Logger and DrainTimeout count. The embedded server opens the files of the
// log as a start does: it removes what has reached the age limit, and may cut
// off what follows a damaged message in a file.
func OpenStopped(ctx context.Context, c Config) (*DB, error) {
	db := &DB{config: c, ready: make(chan struct{}), gone: make(chan struct{}), stopped: true}
	db.life.started = true
	if err := db.openStopped(ctx); err != nil {
		return nil, errors.Join(err, db.release())
	}
	return db, nil
}

func (db *DB) openStopped(ctx context.Context) (err error) {
	outside := db.config.Log != nil
	name, hasLog := db.config.Name, outside
	if !outside {
		if name, hasLog, err = findName(db.config.Dir, name); err != nil {
			return err
		}
	}
	db.config.Name = name
	if db.config, err = db.config.checked(); err != nil {
		return err
	}
	db.registry = records.NewRegistry(records.RegistryOptions{Logger: db.config.Logger})
	db.registry.Close() // there is nothing to register for
	db.ingest = db.newIngest()
	db.gateway = db.newGateway()
	if db.config.Dir != "" {
		db.lock, err = lockDir(db.config.Dir)
	}
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("aimdb: %s: %w", db.config.Dir, ErrInUse)
	}
	if err != nil || !hasLog {
		return err
	}
	server, err := db.stoppedServer(ctx)
	if err != nil {
		return fmt.Errorf("aimdb: open the log of database %q: %w", db.config.Name, err)
	}
	config := bus.Config{Name: db.config.Name, StateDir: db.config.Dir, Logger: db.config.Logger}
	if outside {
		config = onCluster(config, *db.config.Log)
	}
	db.bus, err = bus.OpenExisting(ctx, server, config)
	return err
}

// stoppedServer returns the server that has the log of a stopped database.
func (db *DB) stoppedServer(ctx context.Context) (bus.Server, error) {
	if db.config.Log != nil {
		return cluster.Open(ctx, *db.config.Log, db.config.Logger)
	}
	name := db.config.Name
	var err error
	db.server, err = natsd.Open(natsd.Config{
		Name: "aimdb-" + name, Dir: filepath.Join(db.config.Dir, "log"), Stream: bus.StreamName(name),
		Subjects: bus.ReadSubjects(name), MaxMessage: bus.DefaultMaxMessage, Logger: db.config.Logger,
	})
	return db.server, err
}

// findName returns the name of the database whose log is in a directory. Without a
// log it is the wanted name.
func findName(dir, want string) (name string, hasLog bool, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", false, fmt.Errorf("aimdb: look for the database: %w", err)
	}
	if !info.IsDir() {
		return "", false, fmt.Errorf("aimdb: %s is no directory; give the directory of a database", dir)
	}
	prefix := bus.StreamName("")
	streams, err := filepath.Glob(filepath.Join(globEscape(dir), "log", "jetstream", "*", "streams", prefix+"*"))
	if err != nil {
		return "", false, fmt.Errorf("aimdb: look for the log in %s: %w", dir, err)
	}
	var names []string
	for _, path := range streams {
		name := strings.TrimPrefix(filepath.Base(path), prefix)
		if name == want {
			return name, true, nil
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		return want, false, nil
	case want != "":
		return "", false, fmt.Errorf("aimdb: %s holds the log of database %s, and none of %q: give its name", dir, strings.Join(names, ", "), want)
	case len(names) > 1:
		return "", false, fmt.Errorf("aimdb: %s holds the logs of the databases %s: give the name of one", dir, strings.Join(names, ", "))
	}
	return names[0], true, nil
}

// globEscape keeps a path from being read as a pattern. On Windows there is no escape.
func globEscape(path string) string {
	if os.PathSeparator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
