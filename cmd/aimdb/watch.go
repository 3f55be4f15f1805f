package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// watch prints current and live values, over lost connections.
type watch struct {
	cmd   *cobra.Command
	topic string
	// again connects once more; it is nil if a lost connection ends the watch.
	again func(context.Context) (*aimx.Client, error)
}

// values yields what a client delivers, and after a cut what the next one does. A current
// value that was the last of its record before the cut is left out.
func (w watch) values(ctx context.Context, client *aimx.Client) iter.Seq2[seen, error] {
	return func(yield func(seen, error) bool) {
		last := map[string]json.RawMessage{}
		for own := false; ; own = true {
			err := w.from(ctx, client, last, yield)
			if own {
				_ = client.Close() // always nil
			}
			if lost := (*aimx.ConnectionError)(nil); w.again != nil && errors.As(err, &lost) && ctx.Err() == nil {
				client, err = w.reconnect(ctx, err)
			} else if err == nil {
				return // the caller wants no more
			}
			if err != nil {
				if ctx.Err() == nil {
					yield(seen{}, err)
				}
				return
			}
		}
	}
}

// from yields the values of one connection. It returns nil if yield wants no more.
func (w watch) from(ctx context.Context, client *aimx.Client, last map[string]json.RawMessage, yield func(seen, error) bool) error {
	updates, err := client.Watch(ctx, w.topic)
	if err != nil {
		return err
	}
	defer updates.Close()
	for u, err := range updates.All(ctx) {
		if err != nil {
			return err
		}
		if u.Snapshot && bytes.Equal(last[u.Topic], u.Data) {
			continue
		}
		last[u.Topic] = u.Data
		if u.Skipped > 0 {
			fmt.Fprintf(w.cmd.ErrOrStderr(), "%s lost before the next one\n", valuesWere(u.Skipped))
		}
		if !yield(seen{Record: u.Topic, Value: u.Data, Missed: u.Skipped}, nil) {
			return nil
		}
	}
	return nil
}

// reconnect connects again, for as long as it takes. It returns a refusal.
func (w watch) reconnect(ctx context.Context, cut error) (*aimx.Client, error) {
	began := time.Now()
	fmt.Fprintf(w.cmd.ErrOrStderr(), "%v; connecting again\n", cut)
	pause := backoff.Backoff{First: 100 * time.Millisecond, Longest: 10 * time.Second}
	for failures := 1; ; failures++ {
		if err := pause.Wait(ctx, failures); err != nil {
			return nil, err
		}
		client, err := w.again(ctx)
		if err == nil {
			fmt.Fprintf(w.cmd.ErrOrStderr(), "connected again after %s; values of that time are not printed, but with --from\n", age(time.Since(began)))
			return client, nil
		}
		if refused := (*aimx.Refusal)(nil); errors.As(err, &refused) {
			return nil, err
		}
	}
}

func valuesWere(n uint64) string { return counted.Of(n, "value") + counted.Verb(n, " was", " were") }
