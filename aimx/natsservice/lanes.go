package natsservice

import (
	"context"
	"sync/atomic"
)

// lanes bound calls: some run, and some wait.
type lanes struct {
	// admitted holds a token for each call, running for each that runs.
	admitted, running chan struct{}
}

func newLanes(run, wait int) *lanes {
	return &lanes{make(chan struct{}, run+wait), make(chan struct{}, run)}
}

// admit reports whether there is room for one more call, which then must leave.
func (l *lanes) admit() bool {
	select {
	case l.admitted <- struct{}{}:
		return true
	default:
		return false
	}
}

// run calls do when its turn has come, and leaves. It reports false if ctx ended before.
func (l *lanes) run(ctx context.Context, do func()) bool {
	defer func() { <-l.admitted }()
	select {
	case l.running <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-l.running }()
	do()
	return true
}

// counts are the statistics of a method that NATS does not keep: it takes a query as
// answered when it has begun.
type counts struct{ answered, errors, busy atomic.Uint64 }

// methodStats are counts as JSON, in the data of an endpoint's statistics.
type methodStats struct {
	// Answered counts the answers, Errors those that were errors, and Busy the errors
	// because there was no room for one more query.
	Answered uint64 `json:"answered"`
	Errors   uint64 `json:"errors"`
	Busy     uint64 `json:"busy"`
}
