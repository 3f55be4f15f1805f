package records

import (
	"context"
	"sync/atomic"
	"time"
)

// Source runs fn on its own goroutine to write values to out. The source ends when
// fn returns nil. When fn fails, it starts again after a pause. It should return soon
// after ctx has ended. emit is Record.Send: it waits if out is lossless, several
// goroutines may call it, and fn should return when it returns an error. Source
// returns ErrRunning after Build or Run.
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
			now := max(1, time.Since(begin))
			if before := last.Swap(int64(now)); before > 0 {
				s.profile.took(now - time.Duration(before))
			} else {
				s.profile.progressed() // the wait for the first value is no time between values
			}
			return nil
		})
	}
	return s.declare()
}
