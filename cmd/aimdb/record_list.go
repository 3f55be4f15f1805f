package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newRecordList(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "list",
		Short: "List the records of a running database",
		Example: `  aimdb record list
  aimdb record list --format json | jq .record_key
  aimdb record list --connect ws://127.0.0.1:8080/ws`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				list, err := client.List(cmd.Context())
				if err != nil {
					return err
				}
				out := newOutput(cmd.OutOrStdout(), f, 200, "RECORD", "TYPE", "BUFFER", "CAPACITY", "WRITABLE", "PRODUCED", "DROPPED", "LOST")
				for _, r := range list {
					if err := out.row(r, r.Key, typeOf(r), r.BufferType, capacity(r), yesNo(r.Writable), r.Produced, r.Dropped, r.Lost); err != nil {
						return err
					}
				}
				if err := out.end(); err != nil || f == asJSON {
					return err
				}
				return printLostBySinks(cmd, client)
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
	return c
}

// printLostBySinks prints a line for each sink that lost values. It prints nothing
// if the server is one of upstream, which does not know sink.list.
func printLostBySinks(cmd *cobra.Command, client *aimx.Client) error {
	sinks, err := client.Sinks(cmd.Context())
	if refused := (*aimx.Refusal)(nil); errors.As(err, &refused) && refused.Code == aimx.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range sinks {
		if s.Lost == 0 {
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "sink %s lost %s; see aimdb history stats --losses\n", s.Name, plural(s.Lost, "value"))
	}
	return nil
}

// typeOf returns the schema of a record, or else the type of its values. Upstream has
// the type as the name of a row and an ID without meaning as the type.
func typeOf(r aimx.RecordInfo) string {
	if r.SchemaType == "" && r.Name != r.Key {
		return r.Name
	}
	return cmp.Or(r.SchemaType, r.TypeID)
}

func capacity(r aimx.RecordInfo) string {
	if r.BufferCapacity == nil {
		return "-"
	}
	return strconv.Itoa(*r.BufferCapacity)
}
