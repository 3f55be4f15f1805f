package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// storedRow is the form in which a row of history is printed, exported and imported.
type storedRow struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Stored int64           `json:"stored,omitempty" csv:"-"`
	Shape  int             `json:"shape,omitempty" csv:"-"`
	Value  json.RawMessage `json:"value"`
}

func (r storedRow) cells() []any {
	return []any{r.Record, formatTime(r.Time), valueText(r.Value)}
}

func storedColumns() layout { return columns("RECORD", "TIME", "VALUE") }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printRows prints rows, but for those that cannot be sent or exported either.
func printRows(cmd *cobra.Command, f format, rows iter.Seq2[history.Row, error]) error {
	broken := 0
	defer func() { leftOut(cmd, broken) }()
	return printAll(cmd, f, storedColumns(), printable(rows, &broken), storedRow.cells)
}

// printable yields the rows that can be printed, and counts the others.
func printable(rows iter.Seq2[history.Row, error], broken *int) iter.Seq2[storedRow, error] {
	return func(yield func(storedRow, error) bool) {
		for r, err := range rows {
			if err == nil && !sound(r) {
				*broken++
			} else if !yield(storedRow{r.Record, r.Time, r.Stored, r.Shape, r.Value}, err) {
				return
			}
		}
	}
}

// valueText returns a value on one line.
func valueText(value json.RawMessage) string {
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return string(value)
	}
	return line.String()
}

// sound reports whether a row can be printed, exported and imported.
func sound(r history.Row) bool {
	return jsonrule.Check(r.Value) == nil && jsonrule.CheckText([]byte(r.Record)) == nil
}

// leftOut counts rows that are not sound, on stderr.
func leftOut(cmd *cobra.Command, rows int) {
	if rows > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s left out: not valid JSON\n", counted.Of(rows, "row"))
	}
}
