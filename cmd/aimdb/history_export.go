package main

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
)

func newHistoryExport(env func(string) string) *cobra.Command {
	show := credentials{env: env}
	var as format
	var file string
	var q history.RangeQuery
	c := &cobra.Command{
		Use:   "export HISTORY [PATTERN]",
		Short: "Write rows as NDJSON, CSV, Parquet or others, oldest first",
		Long: `Write rows as NDJSON ({"record":…,"time":UNIX_MS,"value":…} a line), as CSV
(record,time,value) or in another format, oldest first. 'history import' reads NDJSON, CSV
and Parquet. --output writes to a file that appears when
it is complete, and replaces no database; a pipe or a device is written to as
rows come. Rows whose value is not JSON are left out and counted.

Parquet has the columns record_name, stored_at, value_json and sequence, which is
null. To a name that ends in .parquet it is one file; any other name is a new
directory of files by record and day, which DuckDB and others read as one table.

HISTORY is a file, a DSN of PostgreSQL or the endpoint of a running database. From the
latter two, the rows are those stored when the export began.`,
		Example: `  aimdb history export ./aimdb-data/history.db > all.ndjson
  aimdb history export ./aimdb-data/history.db 'accuracy::*' --from 30d --output month.csv
  aimdb history export history.db '#' --format csv | gzip > all.csv.gz
  aimdb history export history.db --format parquet -o cold   # cold/record=…/day=…/….parquet
  aimdb history export /tmp/aimdb.sock '#' --from 1d > day.ndjson   # of a running database
  aimdb history export postgres://aimdb@127.0.0.1/aimdb > all.ndjson`,
		Args: argumentsFrom(1, "HISTORY", "PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			noteEarlierName(cmd, "as", "format")
			pattern := "#"
			if len(args) == 2 {
				pattern = args[1]
			}
			if q.Pattern, err = parsePattern(pattern); err != nil {
				return err
			}
			if err := checkWindow(q.Window); err != nil {
				return err
			}
			format := rowFormatOf(as, file)
			export := func(out rowWriter) error {
				return asking(cmd, args[0], &show, func(s source) error {
					return exportRows(cmd, out, s.Range(cmd.Context(), q))
				})
			}
			if format == asParquet && isDirectory(file) {
				return exportDirectory(cmd, file, export)
			}
			return exportTo(cmd, args[0], file, func(w io.Writer) error {
				out, err := newRowWriter(w, format)
				if err != nil {
					return err
				}
				return export(out)
			})
		},
	}
	show.flag(c)
	windowFlags(c.Flags(), &q.Window)
	as.fileFormat(c.Flags(), append(printed(), asParquet)...)
	c.Flags().StringVarP(&file, "output", "o", "", "file, or directory for Parquet, to write to (default stdout)")
	return c
}

func exportRows(cmd *cobra.Command, out rowWriter, rows iter.Seq2[history.Row, error]) error {
	bar := newProgress(cmd.ErrOrStderr(), -1, "exporting")
	written, broken := 0, 0
	for r, err := range rows {
		if err != nil {
			return errors.Join(err, out.abandon())
		}
		if !sound(r) {
			broken++
			continue
		}
		if err := out.write(r); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		written++
		_ = bar.Add(1) // a progress bar that cannot be drawn is no error
	}
	_ = bar.Finish()
	if err := out.finish(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s exported\n", counted.Of(written, "row"))
	leftOut(cmd, broken)
	return nil
}
