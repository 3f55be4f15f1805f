package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says where a history is and how it is kept.
type Config struct {
	// DSN is a connection string of PostgreSQL, as a URL or as key=value pairs. What it
	// leaves out comes from the PG* variables of the environment, as with psql.
	DSN string
	// Schema is the PostgreSQL schema that has the tables. It is made if there is none.
	// The default is aimdb. One database can have several histories in schemas of their
	// own.
	Schema string
	// Name is the name of the sink. The default is postgres.
	Name string
	// Partition is the span of time of one partition, in whole milliseconds. It is fixed
	// when the history is made. 0 is that of the history, and a week for a new one.
	Partition time.Duration
	// Readers is the number of connections for queries and sweeps. The default is 4.
	// The writer has one more.
	Readers int
	// Logger gets what happens to the connection. The default is slog.Default.
	Logger *slog.Logger
}

const (
	defaultPartition = 7 * 24 * time.Hour
	connectTimeout   = 10 * time.Second
)

// schemaName is what a schema may be called. It goes into the settings of a session.
var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (c Config) withDefaults() (Config, error) {
	if c.Schema == "" {
		c.Schema = "aimdb"
	}
	if c.Name == "" {
		c.Name = "postgres"
	}
	if c.Readers == 0 {
		c.Readers = 4
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	switch {
	case c.DSN == "":
		return c, errors.New("the DSN is empty; give one, such as postgres://user@host/database")
	case !schemaName.MatchString(c.Schema):
		return c, fmt.Errorf("the schema %q is no plain name; use lower-case letters, digits and underscores", c.Schema)
	case c.Partition < 0 || c.Partition%time.Millisecond != 0:
		return c, fmt.Errorf("the partition %v is no positive number of milliseconds", c.Partition)
	case c.Readers < 1:
		return c, fmt.Errorf("%d connections for readers are too few; give at least 1", c.Readers)
	}
	return c, nil
}

// connections returns the settings of the pool and of the writer's connection. All names in
// SQL are found in the schema.
func (c Config) connections() (*pgxpool.Config, *pgx.ConnConfig, error) {
	pool, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, nil, err
	}
	pool.MaxConns = int32(c.Readers)
	pool.MinConns, pool.MinIdleConns = 0, 0
	one := pool.ConnConfig
	if one.ConnectTimeout == 0 {
		one.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"search_path":                   c.Schema,
		"timezone":                      "UTC",
		"client_encoding":               "UTF8",
		"default_transaction_isolation": "read committed",
		"application_name":              "aimdb " + c.Name,
		// What this session changes is counted in aimdb_record.
		"aimdb.counts": "on",
		// A connection to a host that is gone ends within half a minute, and its locks
		// with it.
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
	} {
		one.RuntimeParams[name] = value
	}
	writer := one.Copy()
	writer.RuntimeParams["synchronous_commit"] = "on"
	if writer.RuntimeParams["lock_timeout"] == "" {
		writer.RuntimeParams["lock_timeout"] = "10s"
	}
	// Queries are planned once for all times. The partitions outside of a window are left
	// out when a query starts, which takes less than to plan it again. Such a plan must
	// not read whole partitions because they were small when it was made.
	for name, value := range map[string]string{
		"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_bitmapscan": "off", "jit": "off",
	} {
		one.RuntimeParams[name] = value
	}
	return pool, writer, nil
}
