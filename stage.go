package aimdb

import (
	"context"

	"github.com/aimdb-go/aimdb/records"
)

// TransformFunc turns one input value into zero or more outputs.
type TransformFunc[In, Out any] = records.TransformFunc[In, Out]

// StageOption configures a source, tap or transform.
type StageOption = records.StageOption

// ErrRunning is what Source, Map, Transform, Join2, Record.Tap and Register
// return after Run has begun. The database goes on as it was.
var ErrRunning = records.ErrRunning

// Source runs fn on a goroutine of its own as the producer of a record. It is
// started again, with growing pauses, if it fails or panics. emit waits for
// the readers of a lossless record.
func Source[T any](out *Record[T], fn func(ctx context.Context, emit func(T) error) error, opts ...StageOption) error {
	return records.Source(out, fn, opts...)
}

// Map makes one value of out of each value of in.
func Map[In, Out any](in *Record[In], out *Record[Out], fn func(In) Out, opts ...StageOption) error {
	return records.Map(in, out, fn, opts...)
}

// Transform makes values of out of values of in. start is called when the
// stage starts, and again when it starts anew after a failure; what it returns
// keeps the state of the stage in its closure.
func Transform[In, Out any](in *Record[In], out *Record[Out], start func() TransformFunc[In, Out], opts ...StageOption) error {
	return records.Transform(in, out, start, opts...)
}

// Join2 makes values of out of the values of two records. Both functions run
// on one goroutine.
func Join2[A, B, Out any](a *Record[A], b *Record[B], out *Record[Out],
	start func() (TransformFunc[A, Out], TransformFunc[B, Out]), opts ...StageOption) error {
	return records.Join2(a, b, out, start, opts...)
}

// Policy says what happens after a stage has panicked or returned an error.
type Policy = records.Policy

// The policies of a stage. The failure is counted and logged either way.
const (
	// Restart goes on with the next value after a back-off; it is the default.
	Restart = records.Restart
	// Fail ends Run with an error.
	Fail = records.Fail
)

// StageName names a stage in metrics, logs and errors.
func StageName(name string) StageOption { return records.StageName(name) }

// StagePolicy sets what happens when the stage fails.
func StagePolicy(p Policy) StageOption { return records.StagePolicy(p) }
