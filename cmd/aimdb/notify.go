package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/internal/sdnotify"
	aimdbserve "github.com/aimdb-go/aimdb/serve"
)

// manager is the service manager that the server runs under, if there is one.
type manager struct {
	socket sdnotify.Socket
	logger *slog.Logger
}

func newManager(env func(string) string, logger *slog.Logger) manager {
	return manager{sdnotify.New(env, os.Getpid()), logger}
}

// tell sends lines such as READY=1.
func (m manager) tell(lines ...string) {
	if err := m.socket.Send(lines...); err != nil {
		m.logger.Warn("the service manager was not told", "error", err)
	}
}

// watch tells that the server serves, and then gives signs of life until ctx ends, as long as the
// database answers. One that does not is restarted by the service manager.
func (m manager) watch(ctx context.Context, server *aimdbserve.Server) {
	select {
	case <-server.DB().Ready():
		m.tell("READY=1", "STATUS=serves")
	case <-ctx.Done():
		return
	}
	every := m.socket.Watchdog() / 2
	if every <= 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		m.signOfLife(ctx, server, every)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// signOfLife asks for the state of the sinks, which needs the locks that writing needs and no
// disk: a restart would not help against a history that is away.
func (m manager) signOfLife(ctx context.Context, server *aimdbserve.Server, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if _, err := server.DB().Call(ctx, gateway.Call{Method: "sink.list"}); err != nil {
		if ctx.Err() == nil || context.Cause(ctx) == context.DeadlineExceeded {
			m.logger.Error("the database does not answer; the service manager gets no sign of life", "error", err)
		}
		return
	}
	m.tell("WATCHDOG=1")
}
