package records

import (
	"context"
	"sync/atomic"
	"time"
)

// Source runs fn in a goroutine of its own to make the values of out. When fn
// returns nil the source has ended; when it fails it is started again after a
// pause. It should return soon after ctx has ended. emit is Record.Send: it
// waits where out is lossless, its error says that it is time to return, and it
// may be called by several goroutines. Source returns ErrRunning after Build or
// Run.
func Source[T any](out *Record[T], fn func(ctx context.Context, emit func(T) error) error, opts ...StageOption) error {
	s := newStage(SourceStage, opts)
	setOutput(s, out)
	s.require("fn", fn != nil)
	s.life = func(s *stage) error {
		begin := time.Now()
		var last atomic.Int64
		return fn(s.intake, func(v T) error {
			if err := s.intake.Err(); err != nil {
				return err
			}
			if err := out.Send(s.intake, v); err != nil {
				return err
			}
			now := time.Since(begin)
			s.profile.took(now - time.Duration(last.Swap(int64(now))))
			return nil
		})
	}
	return s.declare()
}
