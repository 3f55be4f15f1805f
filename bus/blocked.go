package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// blockedAfter is how long the log does not answer before the server is asked whether its
// disk takes data. A busy disk answers later, and is not full.
const blockedAfter = time.Second

// BlockedError is why the log cannot be written: the disk of its server takes no data.
type BlockedError struct {
	// Since is when that was noticed.
	Since time.Time
	// Err is the error of the disk. It names the path.
	Err error
}

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("the log cannot be written: %v; free some space on its disk, or make it writable; the log then takes values again by itself", e.Err)
}

// Unwrap returns the error of the disk.
func (e *BlockedError) Unwrap() error { return e.Err }

// blocked knows whether the log can be written.
type blocked struct {
	mu sync.Mutex
	// writable ends when the log cannot be written.
	writable context.Context
	end      context.CancelCauseFunc
}

func newBlocked() *blocked {
	b := &blocked{}
	b.writable, b.end = context.WithCancelCause(context.Background())
	return b
}

func (b *blocked) context() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writable
}

// begin ends the context with a reason.
func (b *blocked) begin(err error) { b.end(&BlockedError{Since: time.Now(), Err: err}) }

// over makes another context if this one has ended.
func (b *blocked) over() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writable.Err() != nil {
		b.writable, b.end = context.WithCancelCause(context.Background())
	}
}

// Writable returns a context that ends, with a [*BlockedError] as its cause, when the log
// cannot be written because the disk of its server takes no data. It has ended while that
// lasts; the next call after it returns another one. Other outages, such as that of a
// connection, do not end it.
func (b *Bus) Writable() context.Context { return b.blocked.context() }

// Blocked returns why the log cannot be written, nil if it can.
func (b *Bus) Blocked() *BlockedError {
	var why *BlockedError
	errors.As(context.Cause(b.Writable()), &why)
	return why
}

// checkDisk asks the server whether its disk takes data, and returns why it does not.
func (w *writer) checkDisk() error {
	err := w.bus.server.Writable()
	if err != nil {
		w.bus.blocked.begin(err)
	}
	return err
}

// over ends the outage of the log.
func (w *writer) over() {
	w.outage.Over()
	w.bus.blocked.over()
}
