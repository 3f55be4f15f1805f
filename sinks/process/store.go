package process

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// Store is a store that is open for writing.
type Store struct {
	// Sink takes the batches.
	Sink sinks.Sink
	// Run does the writing until its context ends. It is nil for a sink that writes in
	// the calls.
	Run func(ctx context.Context) error
	// Active is for a store that more than one process can open, and that only one of
	// them can write to. While Run runs it returns nil if this process is that one,
	// ErrHeld if another one is, and another error if that cannot be found out. Nil is
	// for a store where Config.Open has decided that.
	Active func(ctx context.Context) error
	// Pruner is nil for a store that has no retention, or its own.
	Pruner history.Pruner
	// Stats tells what was lost. Nil counts since the start of the process.
	Stats func(ctx context.Context) (history.Stats, error)
	// Close gives the store back, after Run has ended.
	Close func() error
}

// run runs the store until end is called, also if ctx ends before, so that the sink can
// store what it still gets. An error of Run is the cause that failed is given, and the
// result of end.
func (s *Store) run(ctx context.Context, failed context.CancelCauseFunc) (end func() error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	if s.Run == nil {
		return func() error {
			stop()
			return nil
		}
	}
	ended := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		if err != nil {
			failed(fmt.Errorf("%w: %w", errStoreFailed, err))
		}
		ended <- err
	}()
	return func() error {
		stop()
		return <-ended
	}
}
