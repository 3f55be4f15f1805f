package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newRecordGet(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "get KEY",
		Short: "Print the newest value of a record",
		Long:  "Print the newest value of a record: indented, or on one line with --format json.",
		Example: `  aimdb record get temp::seattle
  aimdb record get hub.settings --format json`,
		Args: arguments("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
				return err
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				value, err := client.Get(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return printValue(cmd, f, value)
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
	return c
}

func printValue(cmd *cobra.Command, f format, value json.RawMessage) error {
	if f == asTable {
		var indented bytes.Buffer
		if err := json.Indent(&indented, value, "", "  "); err != nil {
			return fmt.Errorf("print the value: %w", err)
		}
		value = indented.Bytes()
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", value)
	return err
}
