package records

import "context"

// Tap calls fn with every value of the record, in order, from a goroutine of
// its own. It sees values produced since the start, and misses values as any
// reader does if it is too slow for its ring. The ctx of fn ends when it has to
// hurry up, some time after Run was told to end. Tap returns ErrRunning after
// Build or Run.
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
