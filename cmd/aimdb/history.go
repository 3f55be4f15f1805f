package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistory(env func(string) string) *cobra.Command {
	c := group("history", "Query, move and maintain a history",
		newHistoryStats(env), newHistoryQuery(env), newHistoryExport(env), newHistoryImport(), newHistoryPrune(), newHistoryMigrate(env),
		newHistoryCheck(), newHistoryBackup(), newHistoryRestore(), newHistoryCompact())
	c.Long = `Query, move and maintain a history.

DB is the path of a history file, such as ./aimdb-data/history.db. stats, query,
export, check and backup can read it while a database uses it, and import, prune
and check --repair can write to it. compact and restore need it exclusively.

stats, query, export, import and prune also take the DSN of a history in PostgreSQL,
such as postgres://user@host:5432/database, with ?search_path=NAME for another schema
than aimdb. A password is best in PGPASSWORD or ~/.pgpass: what is on the command line
shows in the list of processes. service=NAME takes the rest from a service file.

stats, query and export also take the endpoint of a running database (a socket,
unix://PATH, tcp://HOST:PORT or ws://HOST:PORT/ws) and print the same. The others need
the file, on its own machine. A server of upstream AimDB answers only query --latest.`
	return c
}

// isEndpoint reports whether target is the endpoint of a running database, not a
// file.
func isEndpoint(target string) bool {
	if strings.Contains(target, "://") {
		return true
	}
	info, err := os.Stat(target)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// checkFile returns an error if there is no file. Opening a missing file would
// create it.
func checkFile(cmd *cobra.Command, target string) error {
	if isPostgres(target) {
		return notForPostgres(cmd)
	}
	if isEndpoint(target) {
		return usageError{fmt.Errorf("%s needs the database file and not an endpoint: it works on the file itself, on the machine that has it, and a running database only answers questions; give the path, such as ./aimdb-data/history.db", cmd.CommandPath())}
	}
	info, err := os.Stat(target)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no history at %s; a database keeps it as history.db in its directory", target)
	}
	if err != nil {
		return fmt.Errorf("look at the history: %w", err)
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory; the history in it is probably %s/history.db", target, strings.TrimSuffix(target, "/"))
	}
	return nil
}

// reading opens a history read-only. A database may use it meanwhile.
func reading(cmd *cobra.Command, path string, do func(*sqlite.Store) error) (err error) {
	if err := checkFile(cmd, path); err != nil {
		return err
	}
	s, err := sqlite.OpenReadOnly(path, sqlite.Logger(logger(cmd)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return asUsage(do(s))
}

// writing opens a history and runs its writer during do. It refuses a damaged file
// instead of moving it aside, because there is no log to fill a new one from.
func writing(cmd *cobra.Command, path string, do func(*sqlite.Store) error) (err error) {
	options := []sqlite.Option{sqlite.Beside(), sqlite.Logger(logger(cmd))}
	if flag := cmd.Flags().Lookup(litestreamFlag); flag != nil && flag.Value.String() == "true" {
		options = append(options, sqlite.Litestream())
	}
	s, err := sqlite.Open(path, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// The writer outlives a Ctrl-C, so that a batch that was begun is completed.
	ctx, stop := context.WithCancel(context.WithoutCancel(cmd.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	return asUsage(do(s))
}

// litestreamFlag is a flag of all commands that write.
const litestreamFlag = "litestream"

func addLitestream(c *cobra.Command) {
	c.Flags().Bool(litestreamFlag, false, "leave the write-ahead log to Litestream, which replicates the file")
}

// asUsage turns a history.QueryError into a usage error.
func asUsage(err error) error {
	if wrong := (*history.QueryError)(nil); errors.As(err, &wrong) {
		return usageError{err}
	}
	return err
}

func logger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}
