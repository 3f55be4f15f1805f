package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

// listedInstance is one row of instance list.
type listedInstance struct {
	Endpoint string     `json:"endpoint"`
	State    aimx.State `json:"state"`
	Owner    string     `json:"owner,omitempty"`
	Server   string     `json:"server,omitempty"`
	Version  string     `json:"version,omitempty"`
	Writable []string   `json:"writable_records,omitempty"`
	TookMS   float64    `json:"took_ms,omitempty"`
	Error    string     `json:"error,omitempty"`
}

func newInstanceList(env func(string) string) *cobra.Command {
	var f format
	c := &cobra.Command{
		Use:   "list",
		Short: "Find the databases that run on this machine",
		Long: `Find the databases that run on this machine: greet each socket in /tmp and
/var/run/aimdb whose name ends in .sock, or in the directories of AIMDB_SOCKETS. STATE says
what was found:

  ok          a database answered
  dead        nobody listens there; a process that was killed left the socket
  silent      a process listens there and did not answer in half a second
  other user  the socket belongs to another user, and was not asked
  unusable    what answers there does not speak AimX 3.0

If one database answers, the commands that talk to a running database use it without
--connect.`,
		Example: `  aimdb instance list
  aimdb instance list --format json | jq 'select(.state == "ok").endpoint'
  AIMDB_SOCKETS=/run/user/1000 aimdb instance list`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dirs := socketDirs(env)
			found, err := aimx.Discover(cmd.Context(), dirs...)
			if len(found) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "no socket in %s ends in .sock; start a database, such as aimdb demo\n", strings.Join(dirs, " or "))
				return err
			}
			out := newOutput(cmd.OutOrStdout(), f, 200, "ENDPOINT", "STATE", "SERVER", "AIMX", "WRITABLE", "TOOK")
			for _, i := range found {
				if err := printInstance(out, i); err != nil {
					return err
				}
			}
			if ended := out.end(); ended != nil {
				return ended
			}
			return err
		},
	}
	f.flag(c.Flags())
	return c
}

func printInstance(out *output, i aimx.Instance) error {
	row := listedInstance{
		Endpoint: i.Endpoint, State: i.State, Server: i.Info.Server, Version: i.Info.Version,
		Writable: i.Info.WritableRecords, TookMS: milliseconds(i.Took),
	}
	if i.Err != nil {
		row.Error = i.Err.Error()
	}
	state := string(i.State)
	if i.State == aimx.Foreign {
		row.Owner = userName(i.Owner)
		state += " " + row.Owner
	}
	if i.State != aimx.Answers {
		return out.row(row, i.Endpoint, state, "-", "-", "-", "-")
	}
	return out.row(row, i.Endpoint, state, row.Server, row.Version, strconv.Itoa(len(row.Writable)), fmt.Sprintf("%.1f ms", row.TookMS))
}
