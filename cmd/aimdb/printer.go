package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"

	"github.com/spf13/cobra"
)

// layout is how the rows of a command look as a table.
type layout struct {
	heads []string
	// empty is said on stderr instead of a table without rows.
	empty string
	// live prints each row at once. Its columns are at least as wide as widths says.
	live   bool
	widths []int
}

// columns returns a layout with some heads.
func columns(heads ...string) layout { return layout{heads: heads, empty: "no rows"} }

// printAll prints rows in a format. v is printed under the names of its members, and
// cells returns what a table shows of it: numbers and amounts are aligned to the right.
// An array in JSON is closed also if rows ends with an error, which printAll returns.
func printAll[T any](cmd *cobra.Command, f format, l layout, rows iter.Seq2[T, error], cells func(v T) []any) error {
	w := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	out, err := newRowPrinter(w, cmd.OutOrStdout(), f, l, reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	n := 0
	for v, err := range rows {
		if err == nil {
			err = out.row(v, func() []any { return cells(v) })
		}
		if err == nil && l.live {
			err = w.Flush()
		}
		if err != nil {
			return errors.Join(err, out.end(), w.Flush())
		}
		n++
	}
	if n == 0 && f == asTable && l.empty != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), l.empty)
	}
	return errors.Join(out.end(), w.Flush())
}

// printOne prints one object, which is no array in JSON.
func printOne[T any](cmd *cobra.Command, f format, l layout, v T, cells ...any) error {
	if f == asJSON {
		f = asNDJSON
	}
	return printAll(cmd, f, l, each([]T{v}), func(T) []any { return cells })
}

// rowPrinter prints rows in one format.
type rowPrinter interface {
	row(v any, cells func() []any) error
	end() error
}

// newRowPrinter returns what prints rows of a type. to is where w writes.
func newRowPrinter(w *bufio.Writer, to io.Writer, f format, l layout, row reflect.Type) (rowPrinter, error) {
	switch f {
	case asJSON:
		return &arrayRows{w: w}, nil
	case asNDJSON:
		return lineRows{w}, nil
	case asCSV:
		return newCSVTable(w, row)
	case asYAML:
		return newYAMLRows(w), nil
	}
	return newTable(w, l, terminalWidth(to)), nil
}

// lineRows prints one object a line.
type lineRows struct{ w *bufio.Writer }

func (l lineRows) row(v any, _ func() []any) error {
	line, err := encodeRow(v)
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(line, '\n'))
	return err
}

func (lineRows) end() error { return nil }

// arrayRows prints one array, with an element a line.
type arrayRows struct {
	w    *bufio.Writer
	rows int
}

func (a *arrayRows) row(v any, _ func() []any) error {
	before := "[\n"
	if a.rows > 0 {
		before = ",\n"
	}
	line, err := encodeRow(v)
	if err != nil {
		return err
	}
	a.rows++
	_, err = a.w.Write(append([]byte(before), line...))
	return err
}

func (a *arrayRows) end() error {
	text := "\n]\n"
	if a.rows == 0 {
		text = "[]\n"
	}
	_, err := a.w.WriteString(text)
	return err
}

// encodeRow returns a row as JSON on one line. Values of records keep their digits.
func encodeRow(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("print a row: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
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
