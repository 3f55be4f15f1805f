package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/process"
)

// isPostgres reports whether a target is a connection string of PostgreSQL.
func isPostgres(target string) bool {
	return strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://")
}

// postgresConfig is the configuration of a history whose DSN was parsed before.
func postgresConfig(t sinkTarget) postgres.Config {
	at, _ := postgres.ParseDSN(t.to) // Open and Find return the error
	return postgres.Config{DSN: t.to, Schema: at.Schema, Name: t.name, Logger: t.logger}
}

// openHistoryInPostgres opens a history that exists. The caller closes it.
func openHistoryInPostgres(cmd *cobra.Command, dsn string) (*postgres.Store, error) {
	if _, err := postgres.ParseDSN(dsn); err != nil {
		return nil, usageError{err}
	}
	c := postgresConfig(sinkTarget{to: dsn, logger: logger(cmd)})
	if err := postgres.Find(cmd.Context(), c); err != nil {
		return nil, err
	}
	return postgres.Open(cmd.Context(), c)
}

// inPostgres opens a history that exists during do. Another process may write to it.
func inPostgres(cmd *cobra.Command, dsn string, do func(*postgres.Store) error) (err error) {
	s, err := openHistoryInPostgres(cmd, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return asUsage(do(s))
}

// postgresStore is a history that a process writes to.
func postgresStore(s *postgres.Store) *process.Store {
	return &process.Store{Sink: s, Run: s.Run, Active: func(ctx context.Context) error { return mayWrite(ctx, s) }, Pruner: s, Stats: s.Stats, Close: s.Close}
}

const (
	// activeWithin is how long a store that was just opened may take to become the writer.
	activeWithin = 500 * time.Millisecond
	// answerWithin bounds the question whether it is the writer.
	answerWithin = time.Second
)

// mayWrite returns nil if this process is the writer of a history that runs.
func mayWrite(ctx context.Context, s *postgres.Store) error {
	limited, cancel := context.WithTimeout(ctx, activeWithin)
	defer cancel()
	_ = s.WaitActive(limited) // Checkpoint knows why not
	asking, end := context.WithTimeout(ctx, answerWithin)
	defer end()
	_, err := s.Checkpoint(asking)
	return heldIfInUse(err)
}

func heldIfInUse(err error) error {
	if errors.Is(err, postgres.ErrInUse) {
		return fmt.Errorf("%w: %w", process.ErrHeld, err)
	}
	return err
}

// notForPostgres says what takes the place of a command about files.
func notForPostgres(cmd *cobra.Command) error {
	instead := map[string]string{
		"backup":  "pg_dump --schema=aimdb DATABASE",
		"restore": "pg_restore or psql, with the output of pg_dump",
		"compact": "VACUUM (FULL) record_history in psql; autovacuum makes the space usable again without it",
		"check":   "pg_amcheck DATABASE; counts are put right by history stats",
		"verify":  "pg_amcheck DATABASE for the tables, and aimdb verify --nats-url for the log",
	}[cmd.Name()]
	return usageError{fmt.Errorf("%s works on the file of a history; for PostgreSQL use %s", cmd.CommandPath(), instead)}
}
