package records

import (
	"context"
	"errors"
	"fmt"
)

// TransformFunc makes zero or more values of Out from one value of In. emit is
// Record.Send of the output; its error should be returned.
type TransformFunc[In, Out any] func(ctx context.Context, v In, emit func(Out) error) error

// Map makes one value of out from every value of in.
func Map[In, Out any](in *Record[In], out *Record[Out], fn func(In) Out, opts ...StageOption) {
	var start func() TransformFunc[In, Out]
	if fn != nil {
		start = func() TransformFunc[In, Out] {
			return func(_ context.Context, v In, emit func(Out) error) error { return emit(fn(v)) }
		}
	}
	Transform(in, out, start, opts...)
}

// Transform makes values of out from the values of in, one at a time and in
// order. start is called at the start and after each failure: what the function
// it returns remembers belongs to that function, and is fresh after a failure.
func Transform[In, Out any](in *Record[In], out *Record[Out], start func() TransformFunc[In, Out], opts ...StageOption) {
	s := &stage{kind: TransformStage}
	if !connect(s, out, opts, start == nil, in == nil) {
		return
	}
	reader := read(s, in)
	s.life = func(s *stage) error {
		fn := start()
		if fn == nil {
			return errors.New("its start returned no function")
		}
		emit := func(v Out) error { return out.Send(s.work, v) }
		return each(s, reader, func(ctx context.Context, v In) error { return fn(ctx, v, emit) })
	}
	out.handle.registry.declare(s, opts)
}

// connect gives a stage its output, and rejects one that has parts missing.
func connect[Out any](s *stage, out *Record[Out], opts []StageOption, noFunc, noInput bool) bool {
	s.output = &out.handle
	for _, o := range opts {
		o(s)
	}
	switch {
	case noFunc:
		out.handle.registry.reject(fmt.Errorf("%v %s into record %q: its function is nil", s.kind, s.name, out.Key()))
	case noInput:
		out.handle.registry.reject(fmt.Errorf("%v %s into record %q: its input is nil; register it first", s.kind, s.name, out.Key()))
	default:
		return true
	}
	return false
}
