package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// opener opens the history of a stopped database.
type opener func(path string, options ...sqlite.Option) (embedded.Backend, error)

// openUnchecked opens a history, also a damaged one, and never moves it aside.
func openUnchecked(path string, options ...sqlite.Option) (embedded.Backend, error) {
	return sqlite.Open(path, append(options, sqlite.Unchecked())...)
}

func newVerify(open opener, env func(string) string) *cobra.Command {
	v := verification{open: open, show: credentials{env: env}}
	c := &cobra.Command{
		Use:   "verify DIR_OR_ENDPOINT_OR_HISTORY",
		Short: "Prove that history and log are complete, or name what is missing",
		Long: `Prove, record by record, that the history and the log of a database hold everything
that was accepted, or name each range that is missing and why. It reads all of both.

DIR is the directory of a database that does not run, with history.db and log in it.
Give the endpoint of one that runs; private records are absent from its answer, but
not from the verdict. The log of a stopped database is read as the last stop or a
damage has left it. A loss in it is known when the database has started and counted
it. A history without a log, and without a trace of one in DIR, is a copy: what came
after it is known to be missing. The server that keeps the log opens its files as a start does: it may cut off
what follows a damaged message in a file.

If the log is on servers that run elsewhere, give --nats-url, and the directory, or the
history alone: the file or the DSN of PostgreSQL that a sink stores it in. The database
and the sink may run. In PostgreSQL the counts and numbers of rows are compared; only
SQLite keeps a checksum of each row.

With --repair, rows of the history that vanished or changed are stored again as far
as the log still holds them, and the others are counted as lost. If the structure of
the history is damaged, what can be read is copied into a new file first, and the old
one is kept beside it.

The exit status is 0 if nothing is missing, 3 if values are lost and all of that is
known, 4 if something is missing or damaged that nobody knew. It is 1 if that could
not be found out, and 2 if the command line is wrong.`,
		Example: `  aimdb verify ./aimdb-data
  aimdb verify ./aimdb-data --format json | jq .unknown
  aimdb verify ./aimdb-data --repair
  aimdb verify /tmp/aimdb.sock                # of a running database
  aimdb verify ./history.db --nats-url nats://127.0.0.1:4222 --name hub
  aimdb verify postgres://aimdb@127.0.0.1/aimdb --nats-url nats://127.0.0.1:4222 --name hub`,
		Args: arguments("DIR_OR_ENDPOINT_OR_HISTORY"),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd, args[0]) },
	}
	v.format.flag(c.Flags())
	v.show.flag(c)
	c.Flags().StringVar(&v.name, "name", "", "name of the database (default: that of the log in DIR)")
	v.servers.addFlags(c.Flags(), "NATS servers that keep the log")
	v.servers.addDomain(c.Flags())
	c.Flags().BoolVar(&v.repair, "repair", false, "store damaged rows again as far as the log holds them (DIR only)")
	return c
}

// verification has the flags of one verify.
type verification struct {
	open   opener
	show   credentials
	format format
	name   string
	repair bool
	// servers keep the log if they are given.
	servers natsServers
}

func (v *verification) run(cmd *cobra.Command, target string) error {
	if v.servers.given() {
		result, err := v.outside(cmd, target)
		if err != nil {
			return err
		}
		return printVerification(cmd, v.format, shownHistory(target), result)
	}
	if isPostgres(target) {
		return usageError{errors.New("a history in PostgreSQL is compared with a log on NATS servers: give --nats-url and --name; pg_amcheck checks the tables")}
	}
	if !isEndpoint(target) {
		result, err := v.directory(cmd, target)
		if err != nil {
			return err
		}
		return printVerification(cmd, v.format, target, result)
	}
	if v.repair || v.name != "" {
		return usageError{fmt.Errorf("--repair and --name need the directory of a stopped database; %s is an endpoint", target)}
	}
	return connected(cmd.Context(), target, &v.show, func(client *aimx.Client) error {
		result, err := client.HistoryVerify(cmd.Context())
		if err != nil {
			return notOffered(err)
		}
		return printVerification(cmd, v.format, target, result)
	})
}

// directory verifies a database that does not run. A history that cannot be opened or
// read because it is damaged is a finding.
func (v *verification) directory(cmd *cobra.Command, dir string) (result embedded.Verification, err error) {
	path := filepath.Join(dir, "history.db")
	if err := checkDirectory(dir, path); err != nil {
		return result, err
	}
	if isEmpty(path) {
		return damagedHistory(path, errors.New("the file is empty")), nil
	}
	store, err := v.open(path, sqlite.Logger(logger(cmd)))
	if err != nil {
		return ifDamaged(path, result, inUse(dir, err))
	}
	return v.stopped(cmd, embedded.Config{Dir: dir, Name: v.name, Backend: store, Logger: logger(cmd)}, dir, path)
}

// stopped verifies, or repairs, the database of a directory or of a history alone, which does
// not run. path is that of the history.
func (v *verification) stopped(cmd *cobra.Command, c embedded.Config, target, path string) (result embedded.Verification, err error) {
	db, err := embedded.OpenStopped(cmd.Context(), c)
	if err != nil {
		return result, inUse(target, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if v.repair {
		result, err = db.Repair(cmd.Context())
	} else {
		result, err = db.Verify(cmd.Context())
	}
	return ifDamaged(path, result, err)
}

// checkDirectory returns an error if there is no stopped database in a directory.
// Opening one that is not there would create it.
func checkDirectory(dir, history string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is neither a directory nor a socket at %s; give the directory of a stopped database, or the endpoint of a running one", dir)
	case err != nil:
		return fmt.Errorf("look at the directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is no directory; give the directory of a database, with history.db and log in it", dir)
	}
	if _, err := os.Stat(history); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no history at %s, so there is nothing to compare; restore a backup, or start the database, which makes a history from the log", history)
	} else if err != nil {
		return fmt.Errorf("look at the history: %w", err)
	}
	return nil
}

// isEmpty reports whether a history has no bytes, neither in its file nor in the
// write-ahead log beside it. SQLite takes it for a new one.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 0 {
		return false
	}
	wal, err := os.Stat(path + "-wal")
	return err != nil || wal.Size() == 0
}

// inUse says what to do about a database that runs.
func inUse(dir string, err error) error {
	if errors.Is(err, embedded.ErrInUse) || errors.Is(err, sqlite.ErrInUse) {
		return fmt.Errorf("%s is in use by a running database; give its endpoint instead, such as aimdb verify %s, or stop it: %w", dir, defaultEndpoint, err)
	}
	return err
}

// ifDamaged turns the error of a damaged history into a finding.
func ifDamaged(path string, result embedded.Verification, err error) (embedded.Verification, error) {
	if errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrNotDatabase) || errors.Is(err, sqlite.ErrForeign) {
		return damagedHistory(path, err), nil
	}
	return result, err
}

func damagedHistory(path string, reason error) embedded.Verification {
	advice := "start the database: it moves the damaged file aside and"
	if !errors.Is(reason, sqlite.ErrCorrupt) {
		advice = "move it away and start the database, which"
	}
	return embedded.Verification{
		Verdict: aimx.UnknownLoss,
		Unknown: []aimx.Finding{{Where: "history", Loss: loss.Loss{Cause: loss.HistoryDamaged},
			Text: fmt.Sprintf("The history %s cannot be read: %v. Restore a backup of it, or %s fills a new one from the log, as far as that reaches back.", path, reason, advice)}},
		Known: []aimx.Finding{}, Records: []aimx.VerifiedRecord{}, Notes: []string{"The log was not verified, because only the history says up to where it is stored."},
	}
}
