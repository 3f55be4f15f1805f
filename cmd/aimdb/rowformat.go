package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

const csvHead = "record,time,value"

// fileFormat adds the flag --format with the formats of the rows in a file. No format is
// that of the name of the file. It was --as once.
func (f *format) fileFormat(flags *pflag.FlagSet, of ...format) {
	flags.Var(formatFlag{f, of}, "format", "format of the rows (default: by the name of the file, else ndjson)")
	flags.Var(formatFlag{f, of}, "as", "earlier name of --format")
	flags.Lookup("as").Hidden = true
}

// noteEarlierName says on stderr that a flag has another name now.
func noteEarlierName(cmd *cobra.Command, earlier, now string) {
	if cmd.Flags().Changed(earlier) {
		fmt.Fprintf(cmd.ErrOrStderr(), "--%s is deprecated; write --%s\n", earlier, now)
	}
}

// rowFormatOf returns the requested format, or else the format that the name of a
// file implies.
func rowFormatOf(asked format, file string) format {
	switch {
	case asked != "":
		return asked
	case strings.HasSuffix(strings.TrimSuffix(strings.ToLower(file), ".zst"), ".csv"):
		return asCSV
	case strings.HasSuffix(strings.ToLower(file), parquetSuffix):
		return asParquet
	}
	return asNDJSON
}

// rowWriter writes rows.
type rowWriter interface {
	write(history.Row) error
	finish() error
	// abandon ends the writing after an error. Text keeps the rows so far.
	abandon() error
}

func newRowWriter(w io.Writer, f format) (rowWriter, error) {
	switch f {
	case asCSV:
		c := csv.NewWriter(w)
		return csvRows{c}, c.Write(strings.Split(csvHead, ","))
	case asParquet:
		return parquetFile{parquet.NewWriter(w), w}, nil
	case asNDJSON:
		return jsonRows{bufio.NewWriterSize(w, 64<<10)}, nil
	}
	buffer := bufio.NewWriterSize(w, 64<<10)
	out, err := newRowPrinter(buffer, w, f, storedColumns(), reflect.TypeFor[storedRow]())
	return printedRows{buffer, out}, err
}

// printedRows are rows as record query prints them.
type printedRows struct {
	w   *bufio.Writer
	out rowPrinter
}

func (p printedRows) write(r history.Row) error {
	stored := storedRow{r.Record, r.Time, r.Stored, r.Shape, r.Value}
	return p.out.row(stored, stored.cells)
}

func (p printedRows) finish() error  { return errors.Join(p.out.end(), p.w.Flush()) }
func (p printedRows) abandon() error { return p.finish() }

type jsonRows struct{ w *bufio.Writer }

// write keeps the bytes of the value if they are one line. Import ignores white
// space when it compares rows.
func (j jsonRows) write(r history.Row) error {
	line, err := ndjson.AppendRow(j.w.AvailableBuffer(), r)
	if err != nil {
		return err
	}
	_, err = j.w.Write(line)
	return err
}

func (j jsonRows) finish() error  { return j.w.Flush() }
func (j jsonRows) abandon() error { return j.w.Flush() }

type csvRows struct{ w *csv.Writer }

func (c csvRows) write(r history.Row) error {
	if r.Shape != 0 {
		return fmt.Errorf("a row of %s has the shape of version %d, for which CSV has no column; write NDJSON or Parquet", r.Record, r.Shape)
	}
	return c.w.Write([]string{r.Record, strconv.FormatInt(r.Time, 10), string(r.Value)})
}

func (c csvRows) finish() error {
	c.w.Flush()
	return c.w.Error()
}

func (c csvRows) abandon() error { return c.finish() }

// rowReader reads rows until io.EOF.
type rowReader interface {
	read() (history.Row, error)
}

// newRowReader reads rows after a byte order mark, if there is one.
func newRowReader(from io.Reader, f format) (rowReader, error) {
	r := bufio.NewReaderSize(from, 64<<10)
	if err := jsonrule.SkipMark(r); err != nil {
		return nil, err
	}
	if f == asCSV {
		c := csv.NewReader(r)
		c.ReuseRecord = true
		c.FieldsPerRecord = 3
		head, err := c.Read()
		if err != nil || !slices.Equal(head, strings.Split(csvHead, ",")) {
			return nil, fmt.Errorf("line 1: the header %q is missing", csvHead)
		}
		return &csvSource{c}, nil
	}
	return &jsonSource{r: r}, nil
}

type jsonSource struct {
	r    *bufio.Reader
	line int
}

func (j *jsonSource) read() (history.Row, error) {
	for {
		line, err := j.r.ReadBytes('\n')
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return history.Row{}, err
		}
		j.line++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		row, err := decodeRow(line)
		if err != nil {
			return history.Row{}, fmt.Errorf("line %d %w", j.line, err)
		}
		if row.Record == nil || row.Time == nil || row.Value == nil {
			return history.Row{}, fmt.Errorf("line %d: a row has record, time and value", j.line)
		}
		return checkRow(j.line, history.Row{Record: *row.Record, Time: *row.Time, Value: row.Value, Stored: row.Stored, Shape: row.Shape})
	}
}

// jsonRow is a line of NDJSON.
type jsonRow struct {
	Record *string         `json:"record"`
	Time   *int64          `json:"time"`
	Stored int64           `json:"stored"`
	Shape  int             `json:"shape"`
	Value  json.RawMessage `json:"value"`
}

func decodeRow(line []byte) (row jsonRow, err error) {
	// encoding/json would replace what is broken in a name.
	if err := jsonrule.CheckText(line); err != nil {
		return row, err
	}
	err = json.Unmarshal(line, &row)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return row, jsonrule.Check(line)
	}
	if err != nil {
		return row, fmt.Errorf("is not a row: %w", err)
	}
	return row, nil
}

type csvSource struct{ r *csv.Reader }

func (c *csvSource) read() (history.Row, error) {
	fields, err := c.r.Read()
	if err != nil {
		return history.Row{}, err // err names the line
	}
	line, _ := c.r.FieldPos(0)
	ms, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return history.Row{}, fmt.Errorf("line %d: the time %q is not Unix milliseconds", line, fields[1])
	}
	return checkRow(line, history.Row{Record: strings.Clone(fields[0]), Time: ms, Value: json.RawMessage(fields[2])})
}

// checkRow returns an error for a row that a database cannot have stored.
func checkRow(line int, r history.Row) (history.Row, error) {
	if err := ndjson.CheckRow(r); err != nil {
		return r, fmt.Errorf("line %d: %w", line, err)
	}
	return r, nil
}
