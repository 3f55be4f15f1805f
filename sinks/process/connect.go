package process

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/internal/outage"
)

// connect connects to the servers, and waits for them if they are away. It returns nil if
// ctx ends before.
func (p *process) connect(ctx context.Context) (*nats.Conn, error) {
	begun := time.Now()
	pause := backoff.Backoff{First: takeOver, Longest: 10 * time.Second}
	away := outage.New(p.config.Logger, "the sink waits for the NATS servers", "the sink has reached the NATS servers")
	for n := 1; ; n++ {
		nc, err := p.config.Server.Connect(ctx, "sink "+p.config.Sink)
		if err == nil {
			away.Over()
			return nc, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		left := p.config.Wait - time.Since(begun)
		if !isAway(err) || left <= 0 {
			return nil, err
		}
		away.Failed(err)
		step, cancel := context.WithTimeout(ctx, left)
		_ = pause.Wait(step, n) // the next attempt is the last one if there is no time left
		cancel()
		if ctx.Err() != nil {
			return nil, nil
		}
	}
}

// isAway reports whether an error says that no server can be reached now. Others, such as
// a wrong password, do not end by waiting.
func isAway(err error) bool {
	var network net.Error
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrConnectionClosed) || errors.As(err, &network)
}
