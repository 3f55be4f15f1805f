package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/records"
)

// Pending is a value that was set and that the log may not have yet.
type Pending struct {
	writer *Writer
	record *records.Untyped
	ack    records.Ack
}

// Record returns the record.
func (p Pending) Record() *records.Untyped { return p.record }

// Settled reports whether Wait returns at once.
func (p Pending) Settled() bool { return p.ack.Settled() }

// Logged reports whether the record is logged, so that there is something to wait for.
func (p Pending) Logged() bool { return p.ack.Logged() }

// Wait returns when the log has the value; at once if the record is not logged. It returns a
// *Refusal with the cause NotLogged for a value that the log will never have, and for one that
// it may get later because it cannot be written now; or the error of ctx. Call it once.
func (p Pending) Wait(ctx context.Context) error {
	log, key := p.writer.log(), p.record.Key()
	if p.Logged() && !p.Settled() {
		select {
		case <-p.ack.Done():
		case <-ctx.Done():
		case <-log.Done():
			why := context.Cause(log)
			return p.writer.refused(key, &Refusal{Cause: NotLogged, Record: key, Err: why, Reason: fmt.Sprintf(
				"record %q: the value was set, and is not in the log: %v; the log gets it then, unless the server stops before, so a value that is sent again can be stored twice", key, why)})
		}
	}
	err := p.ack.Wait(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return p.writer.refused(key, &Refusal{Cause: NotLogged, Record: key, Reason: err.Error()})
}

// log returns the context of a log that can be written.
func (w *Writer) log() context.Context {
	if w.config.Log == nil {
		return context.Background()
	}
	return w.config.Log()
}

// noSpace refuses a value that the log has to have if it cannot be written. The record is nil
// if none was made for that reason.
func noSpace(log context.Context, u *records.Untyped, name string) error {
	if log.Err() == nil || u != nil && !u.Config().Logged {
		return nil
	}
	why := context.Cause(log)
	return &Refusal{Cause: NoSpace, Record: name, Err: why, Reason: fmt.Sprintf("record %q: the value was not set: %v", name, why)}
}

// setLogged sets a value unless the log that has to have it cannot be written.
func (w *Writer) setLogged(ctx, log context.Context, u *records.Untyped, name string, value []byte) (records.Ack, error) {
	if err := noSpace(log, u, name); err != nil {
		return records.Ack{}, err
	}
	if !u.Config().Logged || log.Done() == nil {
		return u.SetLogged(ctx, value)
	}
	// Most values find space at once, and need no context that ends with either.
	if ack, err := u.SetLogged(w.shared.ended, value); !errors.Is(err, context.Canceled) {
		return ack, err
	}
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(log, cancel)()
	ack, err := u.SetLogged(both, value)
	if err != nil && ctx.Err() == nil && log.Err() != nil {
		err = noSpace(log, u, name)
	}
	return ack, err
}
