package process

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb/bus"
)

const (
	// firstAnswer bounds the wait for the first instance that answers, and quiet the wait
	// for another one.
	firstAnswer = 2 * time.Second
	quiet       = 400 * time.Millisecond
)

// List returns the sinks of a database: the processes that run, and the sinks that have
// read its log and that nobody runs now. log is nil if the log does not exist.
func List(ctx context.Context, server bus.Server, database string, log *bus.Bus) ([]State, error) {
	nc, err := server.Connect(ctx, "list of sinks")
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	all, err := gather(ctx, nc)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s State) bool { return s.Database != database })
	if log != nil {
		rest, err := consumers(ctx, database, log, all)
		if err != nil {
			return nil, err
		}
		all = append(all, rest...)
	}
	slices.SortFunc(all, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Sink, b.Sink), cmp.Compare(a.State, b.State), cmp.Compare(a.Host, b.Host), cmp.Compare(a.PID, b.PID))
	})
	return all, nil
}

// consumers returns the sinks that the log knows and that are not among some.
func consumers(ctx context.Context, database string, log *bus.Bus, running []State) (rest []State, err error) {
	known, err := log.SinkConsumers(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range known {
		if slices.ContainsFunc(running, func(s State) bool { return s.Sink == c.Sink }) {
			continue
		}
		s := State{Database: database, Sink: c.Sink, State: NotRunning, Checkpoint: c.Acknowledged}
		if c.Read {
			s.State = OtherReader
		}
		if err := s.measure(ctx, log); err != nil {
			return nil, err
		}
		rest = append(rest, s)
	}
	return rest, nil
}

// measure sets how far the sink is from the end of the log.
func (s *State) measure(ctx context.Context, log *bus.Bus) error {
	lag, err := log.Lag(ctx, s.Checkpoint)
	if err != nil {
		return err
	}
	s.LagMessages = lag.Messages
	if !lag.Since.IsZero() {
		s.LagSeconds = max(0, time.Since(lag.Since).Seconds())
	}
	return nil
}

// gather asks all instances of the service on the servers.
func gather(ctx context.Context, nc *nats.Conn) (all []State, err error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("ask the processes of sinks: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // at worst it ends with the connection
	if err := nc.PublishRequest("$SRV.STATS."+Service, inbox, nil); err != nil {
		return nil, fmt.Errorf("ask the processes of sinks: %w", err)
	}
	for wait := firstAnswer; ; wait = quiet {
		step, cancel := context.WithTimeout(ctx, wait)
		m, err := sub.NextMsgWithContext(step)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("ask the processes of sinks: %w", err)
		}
		var answer micro.Stats
		if len(m.Data) == 0 || json.Unmarshal(m.Data, &answer) != nil {
			continue // no instance of ours
		}
		for _, e := range answer.Endpoints {
			var s State
			if json.Unmarshal(e.Data, &s) == nil && s.Sink != "" {
				all = append(all, s)
			}
		}
	}
}
