package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// seen is one printed value of a watch.
type seen struct {
	Record string `json:"record"`
	// Time and Position are set with --from.
	Time  int64           `json:"time,omitempty"`
	Value json.RawMessage `json:"value"`
	// Missed counts the values lost before this one.
	Missed   uint64 `json:"missed,omitempty"`
	Position string `json:"position,omitempty"`
}

// recordWatch has the flags of a watch.
type recordWatch struct {
	at      connection
	format  format
	count   int
	from    string
	timeout time.Duration
	cut     bool // do not connect again
}

func newRecordWatch(env func(string) string) *cobra.Command {
	w := recordWatch{at: connection{credentials: credentials{env: env}}}
	c := &cobra.Command{
		Use:   "watch PATTERN",
		Short: "Print values as they are produced",
		Long: `Print the current values of matching records, and then values as they are produced, until
Ctrl-C, or until --count values are printed. If the connection is lost, watch connects again.
Lost values are counted; those of the time without a connection are not, and are not printed.

With --from, print first what is stored from that time on, and then values as they are
logged, each with its time. Nothing is lost or printed twice, also over a lost connection or
a restart of the database. Only records that persist can be watched like that. --from takes
also the member "position" of a printed value, to continue after that value.`,
		Example: `  aimdb watch 'temp::*'
  aimdb record watch 'temp::*' --from 1h
  aimdb record watch 'accuracy::#' --count 10 --format ndjson`,
		Args: arguments("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error { return w.run(cmd, args[0]) },
	}
	w.at.flag(c)
	w.format.flag(c.Flags())
	c.Flags().StringVar(&w.from, "from", "", "begin with the stored values from a time on (RFC 3339, Unix milliseconds, or a duration back from now), or after a position")
	c.Flags().IntVar(&w.count, "count", 0, "end after that many values; 0 means until Ctrl-C")
	c.Flags().Var(spanFlag{&w.timeout}, "timeout", "end after that long; with --count it is a failure to have printed fewer")
	c.Flags().BoolVar(&w.cut, "no-reconnect", false, "fail if the connection is lost")
	return c
}

func (w *recordWatch) run(cmd *cobra.Command, topic string) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	if w.count < 0 {
		return usageError{errors.New("--count cannot be negative; 0 means until Ctrl-C")}
	}
	start, err := w.start()
	if err != nil {
		return err
	}
	return connected(cmd.Context(), w.at.target(), &w.at.credentials, func(client *aimx.Client) error {
		ctx, cancel := cmd.Context(), context.CancelFunc(func() {})
		if w.timeout > 0 {
			ctx, cancel = context.WithTimeout(ctx, w.timeout)
		}
		defer cancel()
		l := columns("RECORD", "VALUE")
		l.live, l.empty = true, ""
		l.widths = []int{widestKey(ctx, cmd, client, topic)}
		values := watch{cmd: cmd, again: w.again(), topic: topic}.values(ctx, client)
		if start != nil {
			l.heads, l.widths = append([]string{"TIME"}, l.heads...), append([]int{0}, l.widths...)
			values = w.follow(ctx, cmd, client, topic, *start)
		}
		return printAll(cmd, w.format, l, w.limited(ctx, cmd, values), func(v seen) []any {
			if start == nil {
				return []any{v.Record, valueText(v.Value)}
			}
			return []any{formatTime(v.Time), v.Record, valueText(v.Value)}
		})
	})
}

// start returns where --from begins, or nil without it. Unlike a time, a position has a dot
// and no colon.
func (w *recordWatch) start() (*aimx.Start, error) {
	if w.from == "" {
		return nil, nil
	}
	ms, err := parseTime(w.from, time.Now())
	start := aimx.FromTime(ms)
	if err != nil {
		if !strings.Contains(w.from, ".") || strings.ContainsAny(w.from, ": ") {
			return nil, usageError{fmt.Errorf("--from: %w; or the position of a value", err)}
		}
		start = aimx.After(w.from)
	}
	return &start, nil
}

// widestKey returns the width of the longest key that matches. It says on stderr if none
// does: records are fixed when a database starts.
func widestKey(ctx context.Context, cmd *cobra.Command, client *aimx.Client, topic string) (width int) {
	list, err := matching(ctx, client, topic)
	if err != nil {
		return 0 // what is wrong shows in the watch
	}
	for _, r := range list {
		width = max(width, uniseg.StringWidth(r.Key))
	}
	if len(list) == 0 && isPattern(topic) {
		fmt.Fprintf(cmd.ErrOrStderr(), "no record matches %s, so nothing will come; 'aimdb record list' names those there are\n", topic)
	}
	return width
}

// limited ends values after --count of them, at Ctrl-C, and after --timeout.
func (w *recordWatch) limited(ctx context.Context, cmd *cobra.Command, values iter.Seq2[seen, error]) iter.Seq2[seen, error] {
	return func(yield func(seen, error) bool) {
		n := 0
		for v, err := range values {
			if ctx.Err() != nil {
				break
			}
			if !yield(v, err) || err != nil {
				return
			}
			if n++; n == w.count {
				return
			}
		}
		if cmd.Context().Err() == nil && ctx.Err() != nil && w.count > 0 {
			yield(seen{}, fmt.Errorf("only %d of %s came within %s", n, counted.Of(w.count, "value"), w.timeout))
		}
	}
}

// follow yields stored and then live values from a start on.
func (w *recordWatch) follow(ctx context.Context, cmd *cobra.Command, client *aimx.Client, topic string, start aimx.Start) iter.Seq2[seen, error] {
	return func(yield func(seen, error) bool) {
		for event, err := range client.Follow(ctx, topic, start) {
			if err == nil && w.cut {
				err = event.Cut
			}
			if err == nil {
				tellOfFollow(cmd, event)
				if event.Value == nil {
					continue
				}
			}
			v := seen{event.Record, event.Time, event.Value, event.Lost, event.Position()}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
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
		fmt.Fprintf(w, "%s of %s %s lost before the next one\n", counted.Of(e.Lost, "value"), e.Record, counted.Verb(e.Lost, "was", "were"))
	}
	if e.Loss != nil {
		fmt.Fprintf(w, "%s of the log %s discarded before being read or stored\n", counted.Of(e.Loss.Count, "message"), counted.Verb(e.Loss.Count, "was", "were"))
	}
}

// again returns what connects once more, or nil with --no-reconnect.
func (w *recordWatch) again() func(context.Context) (*aimx.Client, error) {
	if w.cut {
		return nil
	}
	return func(ctx context.Context) (*aimx.Client, error) { return dialed(ctx, w.at.target(), &w.at.credentials) }
}
