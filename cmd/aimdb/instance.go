package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newInstance(env func(string) string) *cobra.Command {
	return group("instance", "Find, describe and ping running databases", newInstanceList(env), newInstanceInfo(env), newInstancePing(env))
}

func newInstanceInfo(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "info",
		Short: "Print the description of a running database",
		Example: `  aimdb instance info
  AIMDB_CONNECT=ws://127.0.0.1:8080/ws aimdb instance info --format json`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				info, err := client.Info(cmd.Context())
				if err != nil {
					return err
				}
				return printOne(cmd, f, columns("SERVER", "AIMX", "PERMISSIONS", "WRITABLE", "SUBSCRIPTIONS"), info,
					info.Server, info.Version, strings.Join(info.Permissions, ","), strings.Join(info.WritableRecords, ","), info.MaxSubscriptions)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	return c
}
