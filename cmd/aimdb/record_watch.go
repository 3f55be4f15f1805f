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
	Record string          `json:"record"`
	Value  json.RawMessage `json:"value"`
	// Missed counts the values lost before this one.
	Missed uint64 `json:"missed,omitempty"`
}

func newRecordWatch(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var count int
	c := &cobra.Command{
		Use:   "watch PATTERN",
		Short: "Print values as they are produced",
		Long: `Print the values of matching records as they are produced, until Ctrl-C or until
--count values are printed. Lost values are counted.`,
		Example: `  aimdb record watch 'temp::*'
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
				return watch(cmd, client, f, args[0], count)
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
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
			fmt.Fprintf(cmd.ErrOrStderr(), "%d values were lost before the next one\n", event.Skipped)
		}
		if err := out.row(seen{event.Topic, event.Data, event.Skipped}, event.Topic, string(event.Data)); err != nil {
			return err
		}
		if n++; n == count {
			return nil
		}
	}
	return nil
}

// checkTopic accepts a key or a pattern.
func checkTopic(s string) error {
	if strings.ContainsAny(s, "*#") {
		_, err := parsePattern(s)
		return err
	}
	return checkKey(s)
}
