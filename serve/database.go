package serve

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// database returns the configuration of the database with a backend, which may be nil.
func (s *Settings) database(backend aimdb.Backend) aimdb.Config {
	c := s.Config.Config
	if s.History != Off {
		c.Backend = backend
	}
	c.Retention = s.retention()
	c.NATSAccess = withFiles(c.NATSAccess, s.NATSTLS, c.TLS, s.NATS != "")
	if c.HTTP == "" && c.TCP == "" {
		c.TLS = aimdb.TLSFiles{} // of the other listeners
	}
	return c
}

// withFiles gives NATS clients the certificates of the listener.
func withFiles(a aimdb.Access, own, all aimdb.TLSFiles, on bool) aimdb.Access {
	if own == (aimdb.TLSFiles{}) {
		own = all
	}
	if on && a.CertFile == "" && own.CertFile != "" {
		a.CertFile, a.KeyFile, a.CAFile = own.CertFile, own.KeyFile, own.CAFile
	}
	return a
}

// retention returns the limits of the records, and then those by pattern.
func (s *Settings) retention() []aimdb.RetentionPolicy {
	var all []aimdb.RetentionPolicy
	for _, r := range slices.Concat(s.rules.keys, s.rules.patterns) {
		if r.Retention != (aimdb.Retention{}) {
			all = append(all, aimdb.RetentionPolicy{Pattern: r.name(), Retention: r.Retention})
		}
	}
	return append(all, s.Retention...)
}

// historyPath is where the history is, without secrets.
func (s *Settings) historyPath() string {
	switch {
	case isPostgres(s.History):
		at, err := postgres.ParseDSN(s.History)
		if err != nil {
			return "PostgreSQL"
		}
		return at.String()
	case s.History == "":
		return filepath.Join(s.Dir, "history.db")
	}
	return s.History
}

// openHistory opens the history, and returns nil if it is off.
func (s *Settings) openHistory(logger *slog.Logger) (aimdb.Backend, error) {
	if s.Dir != "" {
		if err := os.MkdirAll(s.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data directory %s: %w", s.named("dir"), err)
		}
	}
	if s.Dir != "" && s.Log == nil { // the history is not opened beside a log that cannot be
		if err := natsd.CheckFormat(filepath.Join(s.Dir, "log")); err != nil {
			return nil, err
		}
	}
	if s.History == Off {
		return nil, nil
	}
	backend, err := s.open(logger)
	if err != nil {
		setting := "history"
		if s.History == "" {
			setting = "dir" // it is a file there
		}
		return nil, fmt.Errorf("open the history %s: %w", s.named(setting), err)
	}
	return backend, nil
}

func (s *Settings) open(logger *slog.Logger) (aimdb.Backend, error) {
	if isPostgres(s.History) {
		at, err := postgres.ParseDSN(s.History)
		if err != nil {
			return nil, err
		}
		return postgres.Open(context.Background(), postgres.Config{DSN: s.History, Schema: at.Schema, Logger: logger})
	}
	return sqlite.Open(s.historyPath(), sqlite.Logger(logger))
}

// givenAt is where a setting was given.
func (s *Settings) givenAt(path string) string {
	if p, ok := s.places[path]; ok {
		return p.String()
	}
	return fromDefault
}

// named names a setting for a message, with where it was given and its flag.
func (s *Settings) named(setting string) string {
	at := s.givenAt(setting)
	name, _, _ := strings.Cut(setting, "[") // a list has one flag
	if flag := s.sources.FlagOf[name]; flag != "" && at != flag {
		at += "; flag " + flag
	}
	return fmt.Sprintf("(setting %s, %s)", setting, at)
}

// openDatabase opens the history and the database.
func (s *Settings) openDatabase(c func(aimdb.Backend) aimdb.Config, logger *slog.Logger) (*aimdb.DB, error) {
	backend, err := s.openHistory(logger)
	if err != nil {
		return nil, err
	}
	db, err := aimdb.Open(c(backend))
	if err != nil {
		return nil, s.explain(err)
	}
	return db, nil
}

// explain adds the setting to an error that names its address, such as one about a port
// that is taken, or to one about a directory that another process has.
func (s *Settings) explain(err error) error {
	for _, l := range s.listening() {
		if l.address != "" && contains(err, l.address) {
			return fmt.Errorf("%w %s", err, s.named(l.setting))
		}
	}
	if contains(err, filepath.Join(s.Dir, "aimdb.lock")) {
		return fmt.Errorf("%w %s", err, s.named("dir"))
	}
	return err
}

// listening returns the addresses and sockets, with their settings.
func (s *Settings) listening() []listener {
	all := s.addresses()
	for i, path := range s.Gateways {
		all = append(all, listener{at("gateways", i), path})
	}
	return all
}
