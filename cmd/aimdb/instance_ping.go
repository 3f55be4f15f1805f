package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// pong is one row of instance ping.
type pong struct {
	Number int     `json:"number"`
	TimeMS float64 `json:"time_ms"`
}

// pings says how often a database is pinged, and what came of it.
type pings struct {
	count             int
	interval, timeout time.Duration

	sent, answered   int
	least, most, sum time.Duration
}

func newInstancePing(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var p pings
	c := &cobra.Command{
		Use:   "ping",
		Short: "Measure how fast a running database answers",
		Long: `Measure how fast a running database answers: the time from a ping to its pong over one
connection. The summary goes to stderr. The exit status is 1 if a ping was not answered.`,
		Example: `  aimdb instance ping
  aimdb instance ping --count 1 --connect tcp://127.0.0.1:7433
  aimdb instance ping --count 0 --interval 100ms     # until Ctrl-C`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.count < 0 || p.interval < 0 || p.timeout <= 0 {
				return usageError{errors.New("--count and --interval cannot be negative, and --timeout must be positive")}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				l := columns("NUMBER", "TIME")
				l.live, l.empty = true, ""
				err := printAll(cmd, f, l, p.all(cmd, client), pong.cells)
				fmt.Fprintln(cmd.ErrOrStderr(), p.summary())
				return err
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	c.Flags().IntVar(&p.count, "count", 4, "end after that many pings; 0 means until Ctrl-C")
	c.Flags().DurationVar(&p.interval, "interval", time.Second, "time between two pings")
	c.Flags().DurationVar(&p.timeout, "timeout", 5*time.Second, "how long to wait for one answer")
	return c
}

// all yields the answers until the count is reached or ctx ends, and at the end an error if
// a ping was not answered.
func (p *pings) all(cmd *cobra.Command, client *aimx.Client) iter.Seq2[pong, error] {
	return func(yield func(pong, error) bool) {
		ctx := cmd.Context()
		tick := time.NewTimer(0)
		defer tick.Stop()
		for n := 1; p.count == 0 || n <= p.count; n++ {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			tick.Reset(p.interval)
			took, err := p.ping(ctx, client)
			if ctx.Err() != nil {
				break // Ctrl-C came before the answer
			}
			p.sent++
			if lost := (*aimx.ConnectionError)(nil); errors.As(err, &lost) {
				yield(pong{}, err)
				return
			}
			if err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "ping %d was not answered within %s\n", n, p.timeout)
				continue
			}
			p.add(took)
			if !yield(pong{n, milliseconds(took)}, nil) {
				return
			}
		}
		if lost := p.sent - p.answered; lost > 0 {
			yield(pong{}, fmt.Errorf("%s not answered", counted.Of(lost, "ping")+counted.Verb(lost, " was", " were")))
		}
	}
}

func (p pong) cells() []any { return []any{p.Number, amount(fmt.Sprintf("%.3f ms", p.TimeMS))} }

func (p *pings) ping(ctx context.Context, client *aimx.Client) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	begun := time.Now()
	err := client.Ping(ctx)
	return time.Since(begun), err
}

func (p *pings) add(took time.Duration) {
	if p.answered == 0 || took < p.least {
		p.least = took
	}
	p.most = max(p.most, took)
	p.sum += took
	p.answered++
}

func (p *pings) summary() string {
	text := fmt.Sprintf("%s, %d answered", counted.Of(p.sent, "ping"), p.answered)
	if p.answered == 0 {
		return text
	}
	return fmt.Sprintf("%s; shortest %.3f ms, mean %.3f ms, longest %.3f ms", text,
		milliseconds(p.least), milliseconds(p.sum/time.Duration(p.answered)), milliseconds(p.most))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
