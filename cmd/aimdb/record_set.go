package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

func newRecordSet(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "set KEY JSON",
		Short: "Set a writable record",
		Long:  "Set a writable record and print the value read back, if the record has one.",
		Example: `  aimdb record set hub.settings '{"tolerance_celsius":1.5}'
  aimdb record get hub.settings`,
		Args: arguments("KEY", "JSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
				return err
			}
			if err := jsonrule.Check([]byte(args[1])); err != nil {
				return usageError{fmt.Errorf("the value %.60q %w; a text needs quotes: '\"text\"'", args[1], err)}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				value, err := client.Set(cmd.Context(), args[0], json.RawMessage(args[1]))
				if err != nil || value == nil {
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
