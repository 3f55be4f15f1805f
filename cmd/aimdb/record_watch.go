package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

// seen is one printed value of a watch.
type seen struct {
	Record string `json:"record"`
	// Time is set with --from.
	Time  int64           `json:"time,omitempty"`
	Value json.RawMessage `json:"value"`
	// Missed counts the values lost before this one.
	Missed uint64 `json:"missed,omitempty"`
}

func newRecordWatch(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var count int
	var from *int64
	c := &cobra.Command{
		Use:   "watch PATTERN",
		Short: "Print values as they are produced",
		Long: `Print the values of matching records as they are produced, until Ctrl-C or until
--count values are printed. Lost values are counted.

With --from, print first what is stored from that time on, and then values as they are
logged, each with its time. Nothing is lost or printed twice: if the connection is lost,
watch connects again and continues after the last value. Only records that persist can be
watched like that.`,
		Example: `  aimdb record watch 'temp::*'
  aimdb record watch 'temp::*' --from 1h
  aimdb record watch 'accuracy::#' --count 10 --format json`,
		Args: arguments("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkTopic(args[0]); err != nil {
				return err
			}
			if count < 0 {
				return usageError{errors.New("--count cannot be negative; 0 means until Ctrl-C")}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				if from != nil {
					return watchFrom(cmd, client, f, args[0], aimx.FromTime(*from), count)
				}
				return watch(cmd, client, f, args[0], count)
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
	c.Flags().Var(timeFlag{&from}, "from", "begin with the stored values from that time on: RFC 3339, Unix milliseconds, or a duration back from now")
	c.Flags().IntVar(&count, "count", 0, "end after that many values; 0 means until Ctrl-C")
	return c
}

func watch(cmd *cobra.Command, client *aimx.Client, f format, topic string, count int) error {
	w := cmd.OutOrStdout()
	out := newOutput(w, f, 1, "RECORD", "VALUE")
	if err := out.end(); err != nil {
		return err
	}
	updates, err := client.Watch(cmd.Context(), topic)
	if err != nil {
		return err
	}
	defer updates.Close()
	n := 0
	for event, err := range updates.All(cmd.Context()) {
		if cmd.Context().Err() != nil {
			return nil // Ctrl-C is how a watch ends
		}
		if err != nil {
			return err
		}
		if event.Skipped > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s lost before the next one\n", plural(event.Skipped, "value"), verb(event.Skipped, "was", "were"))
		}
		if err := out.row(seen{Record: event.Topic, Value: event.Data, Missed: event.Skipped}, event.Topic, string(event.Data)); err != nil {
			return err
		}
		if n++; n == count {
			return nil
		}
	}
	return nil
}

// watchFrom prints values from a start on. It connects again if the connection is lost.
func watchFrom(cmd *cobra.Command, client *aimx.Client, f format, topic string, start aimx.Start, count int) error {
	out := newOutput(cmd.OutOrStdout(), f, 1, "TIME                    ", "RECORD", "VALUE")
	if err := out.end(); err != nil {
		return err
	}
	n, width := 0, 0
	for event, err := range client.Follow(cmd.Context(), topic, start) {
		if err != nil {
			return err
		}
		tellOfFollow(cmd, event)
		if event.Value == nil {
			continue
		}
		width = max(width, len(event.Record)) // each row is printed at once, and aligned with those before it
		if err := out.row(seen{Record: event.Record, Time: event.Time, Value: event.Value, Missed: event.Lost},
			formatTime(event.Time), fmt.Sprintf("%-*s", width, event.Record), string(event.Value)); err != nil {
			return err
		}
		if n++; n == count {
			return nil
		}
	}
	return nil
}

// tellOfFollow says on stderr what an event says besides a value.
func tellOfFollow(cmd *cobra.Command, e aimx.Event[json.RawMessage]) {
	w := cmd.ErrOrStderr()
	switch {
	case e.Cut != nil:
		fmt.Fprintf(w, "%v; connecting again\n", e.Cut)
	case e.CaughtUp:
		fmt.Fprintln(w, "all stored values are printed; what follows is live")
	case e.Begin != nil && e.Begin.Reason != "":
		fmt.Fprintf(w, "%s; values from %s on are printed again\n", e.Begin.Reason, formatTime(e.Begin.From))
	}
	if e.Lost > 0 {
		fmt.Fprintf(w, "%s of %s %s lost before the next one\n", plural(e.Lost, "value"), e.Record, verb(e.Lost, "was", "were"))
	}
	if e.Loss != nil {
		fmt.Fprintf(w, "%s of the log %s discarded before being read or stored\n", plural(e.Loss.Count, "message"), verb(e.Loss.Count, "was", "were"))
	}
}

// checkTopic accepts a key or a pattern.
func checkTopic(s string) error {
	if strings.ContainsAny(s, "*#") {
		_, err := parsePattern(s)
		return err
	}
	return checkKey(s)
}
