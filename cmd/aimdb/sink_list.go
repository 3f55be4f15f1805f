package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/process"
)

func newSinkList() *cobra.Command {
	var log natsLog
	var f format
	c := &cobra.Command{
		Use:   "list",
		Short: "List the sinks of a database and how far they are",
		Long: `List the sinks of a database and how far they are.

STATE is "active" for the process that stores, "standby" for one that would take over,
"waiting for the log" if the database has not made it yet, and "waiting for the store" if
that cannot be reached. LAG is the number of messages that the log has after the checkpoint, AGE that of the
first of them. LOST and DEAD LETTERS are what the store has in its ledger, or what this
process has written into a store that does not count. A sink that is "not running" has
read the log before; its checkpoint is the last one that the log knows of, and the store
may be further. One that is "in a database" is read by a process that is not
'aimdb sink run'; a sink whose machine has failed may be shown so for half a minute.`,
		Example: `  aimdb sink list --nats-url nats://127.0.0.1:4222 --name hub
  aimdb sink list --nats-url nats://127.0.0.1:4222 --name hub --format json | jq .lag_seconds`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := log.connect(cmd.Context(), cmd)
			if err != nil {
				return err
			}
			all, absent, err := listSinks(cmd.Context(), cmd, server, &log)
			if err != nil {
				return err
			}
			if absent && len(all) == 0 {
				return log.absent()
			}
			l := columns("SINK", "STATE", "LAG", "AGE", "CHECKPOINT", "LOST", "DEAD LETTERS", "PROCESS", "STORE", "ERROR")
			l.empty = "the log has no sinks"
			return printAll(cmd, f, l, each(all), func(s process.State) []any {
				return []any{s.Sink, s.State, s.LagMessages, lagTime(s), s.Checkpoint, s.Lost, s.DeadLetters, processOf(s), s.Target, s.Error}
			})
		},
	}
	log.flags(c.Flags())
	f.flag(c.Flags())
	return c
}

func lagTime(s process.State) amount {
	if s.LagMessages == 0 {
		return "-"
	}
	return age(time.Duration(s.LagSeconds * float64(time.Second)))
}

func processOf(s process.State) string {
	if s.PID == 0 {
		return "-"
	}
	return fmt.Sprintf("%s/%d", s.Host, s.PID)
}
