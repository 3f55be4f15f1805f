package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// outside verifies a history whose log is on servers that run elsewhere. The target is the
// directory of a database that does not run, or the history alone.
func (v *verification) outside(cmd *cobra.Command, target string) (result embedded.Verification, err error) {
	servers, err := v.servers.cluster()
	if err != nil {
		return result, err
	}
	if v.name == "" {
		return result, usageError{errors.New("--name is needed with --nats-url: the name of the database whose log it is")}
	}
	c := embedded.Config{Name: v.name, Log: &servers, Logger: logger(cmd)}
	path := target
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		c.Dir, path = target, filepath.Join(target, "history.db")
		if err := checkDirectory(target, path); err != nil {
			return result, err
		}
	}
	if c.Backend, err = v.history(cmd, path); err != nil {
		return ifDamaged(path, result, inUse(path, err))
	}
	return v.stopped(cmd, c, target, path)
}

// history opens a file or tables that a sink may write to meanwhile. A file is opened for
// this process alone only if it is to be repaired.
func (v *verification) history(cmd *cobra.Command, target string) (embedded.Backend, error) {
	switch {
	case isPostgres(target) && v.repair:
		return nil, usageError{errors.New("--repair needs a history in SQLite; in PostgreSQL rebuild it with aimdb sink rewind")}
	case isPostgres(target):
		return backendOf(openHistoryInPostgres(cmd, target))
	case isEndpoint(target):
		return nil, usageError{fmt.Errorf("%s is an endpoint, whose database knows where its log is; leave --nats-url out", target)}
	}
	if err := checkFile(cmd, target); err != nil {
		return nil, err
	}
	if v.repair {
		return v.open(target, sqlite.Logger(logger(cmd)))
	}
	return backendOf(sqlite.OpenReadOnly(target, sqlite.Logger(logger(cmd))))
}

// backendOf keeps a nil pointer from becoming a backend.
func backendOf[S embedded.Backend](s S, err error) (embedded.Backend, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// shownHistory is a target without secrets.
func shownHistory(target string) string {
	if !isPostgres(target) {
		return target
	}
	at, err := postgres.ParseDSN(target)
	if err != nil {
		return "the history"
	}
	return at.String()
}
