package records

import (
	"context"
	"errors"
)

// TransformFunc makes zero or more values of Out from one value of In. emit is
// Record.Send of the output; the function should return its error.
type TransformFunc[In, Out any] func(ctx context.Context, v In, emit func(Out) error) error

// Map writes one value to out for every value of in. It returns ErrRunning after
// Build or Run.
func Map[In, Out any](in *Record[In], out *Record[Out], fn func(In) Out, opts ...StageOption) error {
	s := newStage(TransformStage, opts)
	s.require("fn", fn != nil)
	return transform(s, in, out, func() TransformFunc[In, Out] {
		return func(_ context.Context, v In, emit func(Out) error) error { return emit(fn(v)) }
	})
}

// Transform reads the values of in, one at a time and in order, and writes values to
// out. start is called when the stage starts and after each failure; the function
// that it returns keeps the state of the stage. Transform returns ErrRunning after
// Build or Run.
func Transform[In, Out any](in *Record[In], out *Record[Out], start func() TransformFunc[In, Out], opts ...StageOption) error {
	s := newStage(TransformStage, opts)
	s.require("start", start != nil)
	return transform(s, in, out, start)
}

func transform[In, Out any](s *stage, in *Record[In], out *Record[Out], start func() TransformFunc[In, Out]) error {
	setOutput(s, out)
	reader := addInput(s, "in", in)
	s.life = func(s *stage) error {
		fn := start()
		if fn == nil {
			return errors.New("its start returned no function")
		}
		emit := func(v Out) error { return out.Send(s.work, v) }
		return each(s, reader, func(ctx context.Context, v In) error { return fn(ctx, v, emit) })
	}
	return s.declare()
}
