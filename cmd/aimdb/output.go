package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// format is the flag that chooses between a table and JSON.
type format string

const (
	asTable format = "table"
	asJSON  format = "json"
)

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	if s != string(asTable) && s != string(asJSON) {
		return fmt.Errorf("write table or json")
	}
	*f = format(s)
	return nil
}

// Type implements pflag.Value.
func (*format) Type() string { return "table|json" }

func (f *format) flag(flags *pflag.FlagSet) {
	*f = asTable
	flags.Var(f, "format", "print a table, or json: one object a line")
}

// output prints rows as an aligned table, or as one JSON object a line.
type output struct {
	w    *json.Encoder
	t    *tabwriter.Writer
	rows int
	// every is the number of rows of a table that are aligned together. A long
	// answer is printed in parts, not kept in memory.
	every int
}

func newOutput(w io.Writer, f format, every int, head ...string) *output {
	o := &output{every: every}
	if f == asJSON {
		o.w = json.NewEncoder(w)
		o.w.SetEscapeHTML(false)
		return o
	}
	o.t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(o.t, strings.Join(head, "\t"))
	return o
}

// row prints one row: v as JSON, or the cells.
func (o *output) row(v any, cells ...any) error {
	if o.w != nil {
		return o.w.Encode(v)
	}
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(o.t, "\t")
		}
		fmt.Fprint(o.t, c)
	}
	fmt.Fprintln(o.t)
	if o.rows++; o.rows%o.every == 0 {
		return o.t.Flush()
	}
	return nil
}

// end prints the remaining rows.
func (o *output) end() error {
	if o.t == nil {
		return nil
	}
	return o.t.Flush()
}

// storedRow is the form in which a row of history is printed, exported and imported.
type storedRow struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Shape  int             `json:"shape,omitempty"`
	Value  json.RawMessage `json:"value"`
}

func newRows(w io.Writer, f format) *output {
	return newOutput(w, f, 200, "RECORD", "TIME", "VALUE")
}

func (o *output) stored(r history.Row) error {
	return o.row(storedRow{r.Record, r.Time, r.Shape, r.Value}, r.Record, formatTime(r.Time), string(r.Value))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printRows prints rows, but for those that cannot be sent or exported either.
func printRows(cmd *cobra.Command, f format, rows iter.Seq2[history.Row, error]) error {
	out := newRows(cmd.OutOrStdout(), f)
	broken := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if !sound(r) {
			broken++
			continue
		}
		if err := out.stored(r); err != nil {
			return err
		}
	}
	leftOut(cmd, broken)
	return out.end()
}

// sound reports whether a row can be printed, exported and imported.
func sound(r history.Row) bool {
	return jsonrule.Check(r.Value) == nil && jsonrule.CheckText([]byte(r.Record)) == nil
}

// leftOut counts rows that are not sound, on stderr.
func leftOut(cmd *cobra.Command, rows int) {
	if rows > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d rows left out: their values are not JSON\n", rows)
	}
}

// each yields the elements of a slice.
func each[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}
