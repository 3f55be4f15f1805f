package main

import (
	"errors"
	"fmt"
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
  aimdb instance list --format ndjson | jq 'select(.state == "ok").endpoint'
  AIMDB_SOCKETS=/run/user/1000 aimdb instance list`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dirs := socketDirs(env)
			found, err := aimx.Discover(cmd.Context(), dirs...)
			l := columns("ENDPOINT", "STATE", "SERVER", "AIMX", "WRITABLE", "TOOK")
			l.empty = fmt.Sprintf("no socket in %s ends in .sock; start a database, such as aimdb demo", strings.Join(dirs, " or "))
			var rows []listedInstance
			for _, i := range found {
				rows = append(rows, listed(i))
			}
			return errors.Join(printAll(cmd, f, l, each(rows), listedInstance.cells), err)
		},
	}
	f.flag(c.Flags())
	return c
}

func listed(i aimx.Instance) listedInstance {
	row := listedInstance{
		Endpoint: i.Endpoint, State: i.State, Server: i.Info.Server, Version: i.Info.Version,
		Writable: i.Info.WritableRecords, TookMS: milliseconds(i.Took),
	}
	if i.State == aimx.Foreign {
		row.Owner = userName(i.Owner)
	}
	if i.Err != nil {
		row.Error = i.Err.Error()
	}
	return row
}

func (i listedInstance) cells() []any {
	state := strings.TrimSpace(string(i.State) + " " + i.Owner)
	if i.State != aimx.Answers {
		return []any{i.Endpoint, state, "-", "-", amount("-"), amount("-")}
	}
	return []any{i.Endpoint, state, i.Server, i.Version, len(i.Writable), amount(fmt.Sprintf("%.1f ms", i.TookMS))}
}
