package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// csvTable prints rows as RFC 4180 has them, with lines that end as on Unix. The columns
// are the members of the type of the rows, whatever the rows hold.
type csvTable struct {
	w       *csv.Writer
	columns []csvColumn
}

// csvColumn is a member of an object. whole stands for all of a value that is not an
// object with known members.
type csvColumn struct {
	name string
	// raw is a value of a record, which stays JSON.
	raw, whole bool
}

func newCSVTable(w io.Writer, row reflect.Type) (*csvTable, error) {
	c := &csvTable{csv.NewWriter(w), csvColumns(row)}
	var head []string
	for _, column := range c.columns {
		head = append(head, column.name)
	}
	if err := c.w.Write(head); err != nil {
		return nil, fmt.Errorf("print the head: %w", err)
	}
	return c, c.end()
}

// csvColumns returns the members that encoding/json writes for a type, but for those with
// the tag csv:"-". A type that marshals itself has them if its fields have tags.
func csvColumns(t reflect.Type) (all []csvColumn) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.Implements(reflect.TypeFor[json.Marshaler]()) && t.Field(0).Tag.Get("json") == "" {
		return []csvColumn{{name: "value", raw: true, whole: true}}
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || field.Tag.Get("csv") == "-":
		case field.Anonymous && name == "":
			all = append(all, csvColumns(field.Type)...)
		case field.IsExported():
			if name == "" {
				name = field.Name
			}
			all = append(all, csvColumn{name: name, raw: field.Type == reflect.TypeFor[json.RawMessage]()})
		}
	}
	return all
}

func (c *csvTable) row(v any, _ func() []any) error {
	line, err := encodeRow(v)
	if err != nil {
		return err
	}
	members := map[string]json.RawMessage{}
	if !c.columns[0].whole {
		if err := json.Unmarshal(line, &members); err != nil {
			return fmt.Errorf("print a row: %w", err)
		}
	}
	fields := make([]string, len(c.columns))
	for i, column := range c.columns {
		if column.whole {
			fields[i] = string(line)
		} else if fields[i], err = csvField(members[column.name], column.raw); err != nil {
			return err
		}
	}
	if err := c.w.Write(fields); err != nil {
		return err
	}
	return c.end()
}

// csvField returns a member as a field: a text without its quotes unless it is raw,
// and anything else as JSON.
func csvField(member json.RawMessage, raw bool) (text string, err error) {
	switch {
	case raw || len(member) == 0:
		return string(member), nil
	case string(member) == "null":
		return "", nil
	case member[0] == '"':
		err = json.Unmarshal(member, &text)
		return text, err
	}
	return string(member), nil
}

func (c *csvTable) end() error {
	c.w.Flush()
	return c.w.Error()
}
