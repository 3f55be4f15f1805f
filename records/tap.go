package records

import "context"

// Tap calls fn with every value of the record, in order, on its own goroutine. It
// starts with the first value produced and, like any reader, misses values if it is
// too slow for the ring. The ctx of fn ends when RegistryOptions.Grace is over at the
// end of Run. Tap returns ErrRunning after Build or Run.
func (r *Record[T]) Tap(fn func(context.Context, T), opts ...StageOption) error {
	s := newStage(TapStage, opts)
	reader := addInput(s, "record", r)
	s.require("fn", fn != nil)
	s.life = func(s *stage) error {
		return each(s, reader, func(ctx context.Context, v T) error {
			fn(ctx, v)
			return nil
		})
	}
	return s.declare()
}
