package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DefaultSchema is the schema of a Config and of a connection string that name none.
const DefaultSchema = "aimdb"

// ErrNoHistory is the error of Find for a database that has no history in a schema.
var ErrNoHistory = errors.New("there is no history")

// Location says where the history is that a connection string names. It has no password.
type Location struct {
	Host     string
	Port     uint16
	Database string
	Schema   string
}

// ParseDSN returns the location that a connection string names, completed by the PG*
// variables of the environment. The setting search_path, as in
// postgres://host/database?search_path=NAME, is the schema. Errors do not show a password.
func ParseDSN(dsn string) (Location, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return Location{}, fmt.Errorf("read the DSN of a history: %w; give one such as postgres://user@host:5432/database", err)
	}
	l := Location{Host: c.Host, Port: c.Port, Database: cmp.Or(c.Database, c.User), Schema: cmp.Or(c.RuntimeParams["search_path"], DefaultSchema)}
	if !schemaName.MatchString(l.Schema) {
		return l, fmt.Errorf("read the DSN of a history: its search_path %q is no plain name of one schema; use lower-case letters, digits and underscores", l.Schema)
	}
	return l, nil
}

// String returns a connection string without a user and a password.
func (l Location) String() string {
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port))), Path: "/" + l.Database}
	if l.socket() {
		u.Host = ""
		u.RawQuery = "host=" + l.Host + "&"
	}
	if l.Schema != DefaultSchema {
		u.RawQuery += "search_path=" + l.Schema
	}
	u.RawQuery = strings.TrimSuffix(u.RawQuery, "&")
	return u.String()
}

// Local reports whether the host is this machine, so that on another machine the location
// is another one.
func (l Location) Local() bool {
	ip := net.ParseIP(l.Host)
	return l.socket() || l.Host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l Location) socket() bool { return filepath.IsAbs(l.Host) || strings.HasPrefix(l.Host, "@") }

// Find returns nil if a database has a history, and ErrNoHistory if it has none, which
// Open would make.
func Find(ctx context.Context, c Config) error {
	return administer(ctx, c, "look for the history", func(tx pgx.Tx, c Config) error {
		var found bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'aimdb_meta')", c.Schema).Scan(&found)
		if err == nil && !found {
			err = fmt.Errorf("%w; aimdb sink run postgres or a database with this store makes one. search_path=NAME in the DSN names another schema", ErrNoHistory)
		}
		return err
	})
}
