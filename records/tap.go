package records

import (
	"context"
	"fmt"
)

// Tap calls fn with every value of the record, in order, from a goroutine of
// its own. It sees values produced since the start, and misses values as any
// reader does if it is too slow for its ring. The ctx of fn ends when it has to
// hurry up, some time after Run was told to end.
func (r *Record[T]) Tap(fn func(context.Context, T), opts ...StageOption) {
	registry := r.handle.registry
	if fn == nil {
		registry.reject(fmt.Errorf("tap of record %q: its function is nil", r.Key()))
		return
	}
	s := &stage{kind: TapStage}
	reader := read(s, r)
	s.life = func(s *stage) error {
		return each(s, reader, func(ctx context.Context, v T) error {
			fn(ctx, v)
			return nil
		})
	}
	registry.declare(s, opts)
}
