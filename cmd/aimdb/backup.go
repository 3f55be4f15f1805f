package main

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newBackup() *cobra.Command {
	c := group("backup", "Make, list and verify the backups of a history", newBackupNow(), newBackupList(), newBackupVerify())
	c.Long = `Make, list and verify the backups of a history. aimdb serve makes them by itself with the
setting backup. DIR is the directory of the backups. Each of them is one file, which
'aimdb history restore' puts back and every command for a history can read.`
	return c
}

func newBackupNow() *cobra.Command {
	var keep int
	c := &cobra.Command{
		Use:   "now DB DIR",
		Short: "Make one backup, verify it, and remove older ones",
		Long: `Make one backup of a history, in use or not, read all of it, and remove older backups of this
history beyond --keep. If anything fails, those before stay. The path of the backup is
printed.`,
		Example: `  aimdb backup now ./aimdb-data/history.db /mnt/backup
  aimdb backup now ./aimdb-data/history.db /mnt/backup --keep 30`,
		Args: arguments("DB", "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if keep < 1 {
				return usageError{errors.New("--keep must be positive")}
			}
			return reading(cmd, args[0], func(s *sqlite.Store) error {
				k, err := backup.New(s, backup.Config{Dir: args[1], Keep: keep}, nil)
				if err != nil {
					return usageError{err}
				}
				f, err := k.Back(cmd.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), f.Path)
				return err
			})
		},
	}
	c.Flags().IntVar(&keep, "keep", backup.DefaultKeep, "how many backups of the history are kept")
	return c
}

func newBackupList() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use:     "list DIR",
		Short:   "List the backups in a directory, the newest first",
		Example: `  aimdb backup list /mnt/backup`,
		Args:    arguments("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := backup.List(args[0])
			if err != nil {
				return err
			}
			return printAll(cmd, f, columns("FILE", "TIME", "BYTES"), each(all), func(f backup.File) []any {
				return []any{f.Path, f.Time.Format(time.RFC3339), f.Bytes}
			})
		},
	}
	f.flag(c.Flags())
	return c
}

// verifiedBackup is one row of backup verify.
type verifiedBackup struct {
	Path     string `json:"path"`
	Rows     int64  `json:"rows"`
	Sequence uint64 `json:"sequence"`
	Problem  string `json:"problem,omitempty"`
}

func newBackupVerify() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use:   "verify DIR|FILE",
		Short: "Read backups whole and say which are damaged",
		Long: `Read all backups in a directory, or one file, whole: their structure, the checksums of their
rows, their counts. The exit status is 1 if one is damaged, or if there is none.`,
		Example: `  aimdb backup verify /mnt/backup`,
		Args:    arguments("DIR|FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			paths, err := backupPaths(args[0])
			if err != nil {
				return err
			}
			return printAll(cmd, f, columns("FILE", "ROWS", "SEQUENCE", "PROBLEM"), verifyBackups(cmd, paths), func(v verifiedBackup) []any {
				return []any{v.Path, v.Rows, v.Sequence, v.Problem}
			})
		},
	}
	f.flag(c.Flags())
	return c
}

// backupPaths returns the backups in a directory, or the file.
func backupPaths(path string) (paths []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the backups: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	all, err := backup.List(path)
	for _, f := range all {
		paths = append(paths, f.Path)
	}
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("there is no backup in %s", path)
	}
	return paths, err
}

// verifyBackups yields what was found, and at the end an error if one is damaged.
func verifyBackups(cmd *cobra.Command, paths []string) iter.Seq2[verifiedBackup, error] {
	return func(yield func(verifiedBackup, error) bool) {
		bad := 0
		for _, path := range paths {
			v := verifiedBackup{Path: path}
			c, err := sqlite.ReadCopy(cmd.Context(), path, sqlite.Logger(logger(cmd)))
			if cmd.Context().Err() != nil {
				yield(v, cmd.Context().Err())
				return
			}
			if v.Rows, v.Sequence = c.Rows, c.Position.Sequence; err != nil {
				v.Problem = err.Error()
				bad++
			}
			if !yield(v, nil) {
				return
			}
		}
		if bad > 0 {
			yield(verifiedBackup{}, fmt.Errorf("%s damaged; do not restore %s", counted.Of(bad, "backup")+counted.Verb(bad, " is", " are"), counted.Verb(bad, "it", "them")))
		}
	}
}
