package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

const parquetSuffix = ".parquet"

// parquetFile writes rows into one Parquet file or a pipe.
type parquetFile struct {
	*parquet.Writer
	to io.Writer
}

func (p parquetFile) write(r history.Row) error { return p.Write(parquetEntry(r)) }

// abandon leaves out the footer, without which nobody reads the file.
func (parquetFile) abandon() error { return nil }

// finish also checks a file for its number of rows.
func (p parquetFile) finish() error {
	if err := p.Close(); err != nil {
		return err
	}
	f, ok := p.to.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return parquet.CheckRows(f.Name(), p.Rows())
}

// parquetDirectory writes rows into a directory of Parquet files.
type parquetDirectory struct {
	context.Context
	*parquet.Export
}

func (p parquetDirectory) write(r history.Row) error { return p.Write(parquetEntry(r)) }
func (p parquetDirectory) finish() error             { return p.Commit(p.Context) }
func (p parquetDirectory) abandon() error            { return nil } // exportDirectory discards it

func parquetEntry(r history.Row) sinks.Entry {
	return sinks.Entry{Record: r.Record, Time: r.Time, Value: r.Value, Shape: r.Shape}
}

// isDirectory reports whether Parquet goes to a name as a directory.
func isDirectory(name string) bool {
	if name == "" || strings.HasSuffix(strings.ToLower(name), parquetSuffix) {
		return false
	}
	info, err := os.Stat(name)
	return err != nil || info.IsDir() || info.Mode().IsRegular()
}

// exportDirectory gives do what writes into a directory, which appears when do has
// succeeded.
func exportDirectory(cmd *cobra.Command, name string, do func(rowWriter) error) (err error) {
	x, err := parquet.NewExport(name)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	defer func() { err = errors.Join(err, x.Discard()) }()
	return do(parquetDirectory{cmd.Context(), x})
}

// parquetEntries yields the rows of a Parquet file, or of a directory of them.
func parquetEntries(path string, bar *progressbar.ProgressBar) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		n := 0
		for e, err := range parquet.Read(path) {
			n++
			row := history.Row{Record: e.Record, Time: e.Time, Value: bytes.Clone(e.Value), Shape: e.Shape}
			if err == nil {
				if err = ndjson.CheckRow(row); err != nil {
					err = fmt.Errorf("row %d: %w", n, err)
				}
			}
			if err != nil {
				err = fmt.Errorf("import %s: %w", path, err)
			}
			_ = bar.Add(1) // a progress bar that cannot be drawn is no error
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
