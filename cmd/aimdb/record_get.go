package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newRecordGet(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "get KEY|PATTERN…",
		Short: "Print the newest values of records",
		Long: `Print the newest value of a record. Of several keys, or of a pattern, record and
value are printed; a record that matches a pattern and has no value is left out.`,
		Example: `  aimdb record get temp::seattle
  aimdb record get hub.settings --format json
  aimdb record get 'temp::*' hub.settings --format csv`,
		Args: someArguments("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, topic := range args {
				if err := checkTopic(topic); err != nil {
					return err
				}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				if len(args) > 1 || isPattern(args[0]) || f == asCSV {
					return printCurrent(cmd, f, currentValues(cmd.Context(), client, args))
				}
				value, err := client.Get(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return printValue(cmd, f, value)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	return c
}

// currentValue is a value without a time.
type currentValue struct {
	Record string          `json:"record"`
	Value  json.RawMessage `json:"value"`
}

func printCurrent(cmd *cobra.Command, f format, values iter.Seq2[currentValue, error]) error {
	l := columns("RECORD", "VALUE")
	l.empty = "no values"
	return printAll(cmd, f, l, values, func(v currentValue) []any { return []any{v.Record, valueText(v.Value)} })
}

// currentValues yields the value of each key, and of each record that matches a pattern
// and has one.
func currentValues(ctx context.Context, client *aimx.Client, topics []string) iter.Seq2[currentValue, error] {
	return func(yield func(currentValue, error) bool) {
		for _, topic := range topics {
			keys := []string{topic}
			var err error
			if isPattern(topic) {
				keys, err = readableKeys(ctx, client, topic)
			}
			for _, key := range keys {
				value, err := client.Get(ctx, key)
				if refused := (*aimx.Refusal)(nil); isPattern(topic) && errors.As(err, &refused) && refused.Code == aimx.CodeNotFound {
					continue // it has no value yet
				}
				if !yield(currentValue{key, value}, err) || err != nil {
					return
				}
			}
			if err != nil {
				yield(currentValue{}, err)
				return
			}
		}
	}
}

// readableKeys returns the keys that match a pattern, but for those of private records.
func readableKeys(ctx context.Context, client *aimx.Client, pattern string) (keys []string, err error) {
	list, err := matching(ctx, client, pattern)
	for _, r := range list {
		if r.Remote == nil || *r.Remote {
			keys = append(keys, r.Key)
		}
	}
	return keys, err
}

// matching returns the rows of the records that match a key or a pattern.
func matching(ctx context.Context, client *aimx.Client, topic string) (rows []aimx.RecordInfo, err error) {
	pattern, err := parsePattern(topic)
	if err != nil {
		return nil, err
	}
	list, err := client.List(ctx)
	for _, r := range list {
		if pattern.Match(r.Key) {
			rows = append(rows, r)
		}
	}
	return rows, err
}

// printValue prints a value alone: indented for reading.
func printValue(cmd *cobra.Command, f format, value json.RawMessage) error {
	if f != asTable {
		return printOne(cmd, f, layout{}, value)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, value, "", "  "); err != nil {
		return fmt.Errorf("print the value: %w", err)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", &indented)
	return err
}

// isPattern reports whether a topic is a pattern and not a key.
func isPattern(topic string) bool { return strings.ContainsAny(topic, "*#") }

// checkTopic accepts a key or a pattern.
func checkTopic(s string) error {
	if isPattern(s) {
		_, err := parsePattern(s)
		return err
	}
	return checkKey(s)
}
