package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryImport() *cobra.Command {
	var as format
	c := &cobra.Command{
		Use:   "import DB [FILE]",
		Short: "Add rows from NDJSON, CSV or Parquet, without those that exist",
		Long: `Add the rows of an export, from a file or stdin. A row that exists with the same
record, time and value (white space aside) is skipped, so an interrupted import can
be repeated. A missing history is created. DB is a file or a DSN of PostgreSQL. A malformed line ends the import with an
error that names the line; the rows before it are kept. What is compressed with
zstd is decompressed, such as the files of the ndjson sink. A directory is one of
Parquet files: an export, or that of a Parquet sink with what it has staged.`,
		Example: `  aimdb history import ./aimdb-data/history.db all.ndjson
  aimdb history import ./aimdb-data/history.db month.csv
  aimdb history import copy.db archive/00000001-20260102T150405Z.ndjson.zst
  aimdb history import copy.db cold/
  aimdb history export history.db | aimdb history import postgres://aimdb@127.0.0.1/aimdb
  gunzip < all.csv.gz | aimdb history import copy.db --format csv`,
		Args: argumentsFrom(1, "DB", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			noteEarlierName(cmd, "as", "format")
			if isEndpoint(args[0]) && !isPostgres(args[0]) {
				return checkFile(cmd, args[0])
			}
			if len(args) == 1 {
				if as == asParquet {
					return errors.New("import: Parquet is read from the end of a file, and not from stdin; name the file")
				}
				return importRows(cmd, args[0], cmd.InOrStdin(), "stdin", rowFormatOf(as, ""), -1)
			}
			f, err := os.Open(args[1])
			if err != nil {
				return fmt.Errorf("import: %w", err)
			}
			defer func() { _ = f.Close() }() // it was only read
			info, err := f.Stat()
			if err != nil {
				return fmt.Errorf("import: %w", err)
			}
			if format := rowFormatOf(as, args[1]); format != asParquet && !info.IsDir() {
				return importRows(cmd, args[0], f, args[1], format, info.Size())
			}
			bar := newProgress(cmd.ErrOrStderr(), -1, "importing")
			return importInto(cmd, args[0], bar, parquetEntries(args[1], bar))
		},
	}
	addLitestream(c)
	as.fileFormat(c.Flags(), asNDJSON, asCSV, asParquet)
	return c
}

func importRows(cmd *cobra.Command, db string, from io.Reader, name string, f format, size int64) error {
	bar := newProgress(cmd.ErrOrStderr(), size, "importing", progressbar.OptionShowBytes(true))
	rows, err := decompress(io.TeeReader(from, bar))
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }() // it was only read
	source, err := newRowReader(rows, f)
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	return importInto(cmd, db, bar, readAll(source, name))
}

func importInto(cmd *cobra.Command, db string, bar *progressbar.ProgressBar, rows iter.Seq2[history.Row, error]) error {
	if isPostgres(db) {
		return importIntoPostgres(cmd, db, bar, rows)
	}
	return writing(cmd, db, func(s *sqlite.Store) error {
		report, err := s.Import(cmd.Context(), rows)
		return sayImported(cmd, bar, report.Added, report.Skipped, err)
	})
}

// importIntoPostgres makes the history if there is none.
func importIntoPostgres(cmd *cobra.Command, dsn string, bar *progressbar.ProgressBar, rows iter.Seq2[history.Row, error]) (err error) {
	if _, err := postgres.ParseDSN(dsn); err != nil {
		return usageError{err}
	}
	s, err := postgres.Open(cmd.Context(), postgresConfig(sinkTarget{to: dsn, logger: logger(cmd)}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	report, err := s.Import(cmd.Context(), rows)
	return sayImported(cmd, bar, report.Added, report.Skipped, err)
}

func sayImported(cmd *cobra.Command, bar *progressbar.ProgressBar, added, skipped int64, err error) error {
	_ = bar.Finish() // a progress bar that cannot be drawn is no error
	fmt.Fprintf(cmd.ErrOrStderr(), "%s added, %d %s there already\n", counted.Of(added, "row"), skipped, counted.Verb(skipped, "was", "were"))
	if err != nil {
		return fmt.Errorf("%w; the rows added so far are kept, run the import again for the rest", err)
	}
	return nil
}

// readAll yields the rows of a source until its end or its first error.
func readAll(source rowReader, name string) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for {
			row, err := source.read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("import %s: %w", name, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
