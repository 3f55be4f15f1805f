package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// format is how a command prints its data.
type format string

// All formats hold the same members under the same names, but for the table, which is
// for reading. Numbers have the digits that they came with.
const (
	asTable format = "table"
	// asJSON is one array, or one object where there is only one.
	asJSON format = "json"
	// asNDJSON is one object a line.
	asNDJSON format = "ndjson"
	// asCSV has a head with the names of the members. Values of records, arrays and
	// objects are JSON texts, null is empty.
	asCSV format = "csv"
	// asYAML is a document for each object, each after a line "---".
	asYAML format = "yaml"
	// asParquet is for files of history export and import.
	asParquet format = "parquet"
)

// printed returns the formats of every command that prints data.
func printed() []format { return []format{asTable, asJSON, asNDJSON, asCSV, asYAML} }

// flag adds --format, with a table as the default.
func (f *format) flag(flags *pflag.FlagSet) {
	*f = asTable
	flags.Var(formatFlag{f, printed()}, "format",
		"table; json: one array; ndjson: an object a line; csv; yaml: a document each")
}

// formatFlag is a flag that takes one of some formats.
type formatFlag struct {
	f  *format
	of []format
}

// String implements pflag.Value.
func (f formatFlag) String() string {
	if f.f == nil {
		return ""
	}
	return string(*f.f)
}

// Set implements pflag.Value.
func (f formatFlag) Set(s string) error {
	if !slices.Contains(f.of, format(s)) {
		return fmt.Errorf("write one of %s", strings.ReplaceAll(f.Type(), "|", ", "))
	}
	*f.f = format(s)
	return nil
}

// Type implements pflag.Value.
func (f formatFlag) Type() string {
	var names []string
	for _, one := range f.of {
		names = append(names, string(one))
	}
	return strings.Join(names, "|")
}
