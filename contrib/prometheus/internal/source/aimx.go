package source

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// AimX reads the history of a database that runs. It connects at the first query, and again
// after the connection was lost. It is safe for concurrent use.
type AimX struct {
	endpoint string
	options  []aimx.DialOption

	dialing chan struct{} // holds a token while somebody connects

	mu     sync.Mutex
	client *aimx.Client
}

// NewAimX returns the history of the database at an endpoint: see [aimx.ParseEndpoint].
func NewAimX(endpoint string, options ...aimx.DialOption) (*AimX, error) {
	if _, err := aimx.ParseEndpoint(endpoint); err != nil {
		return nil, err
	}
	return &AimX{endpoint: endpoint, options: options, dialing: make(chan struct{}, 1)}, nil
}

// Close closes the connection.
func (a *AimX) Close() error {
	if c := a.current(); c != nil {
		return c.Close()
	}
	return nil
}

// current returns the client, nil if there is none or its connection was lost.
func (a *AimX) current() *aimx.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil || a.client.Err() != nil {
		return nil
	}
	return a.client
}

// connected returns a client. While one caller connects, the others wait for it.
func (a *AimX) connected(ctx context.Context) (*aimx.Client, error) {
	select {
	case a.dialing <- struct{}{}:
		defer func() { <-a.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := a.current(); c != nil {
		return c, nil
	}
	c, err := aimx.Dial(ctx, a.endpoint, a.options...)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	old := a.client
	a.client = c
	a.mu.Unlock()
	if old != nil {
		_ = old.Close() // its connection is lost
	}
	return c, nil
}

// Range yields the rows of a span of time, page by page.
func (a *AimX) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		c, err := a.connected(ctx)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		for page, err := range c.HistoryPages(ctx, history.PageQuery{RangeQuery: q}) {
			if err != nil {
				yield(history.Row{}, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// Stats describes the records that the token may read.
func (a *AimX) Stats(ctx context.Context) (history.Stats, error) {
	c, err := a.connected(ctx)
	if err != nil {
		return history.Stats{}, err
	}
	stats, err := c.HistoryStats(ctx)
	if err != nil {
		return history.Stats{}, fmt.Errorf("list the records: %w", err)
	}
	return stats.Stats, nil
}
