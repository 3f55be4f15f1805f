package records

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// StageError is the error of Run when a stage with the policy Fail has failed.
type StageError struct {
	// Stage is the name of the stage, Record the key of its output or of the
	// record that it taps.
	Stage, Record string
	Err           error
}

// Error implements error.
func (e *StageError) Error() string {
	return fmt.Sprintf("stage %q of record %q: %v", e.Stage, e.Record, e.Err)
}

// Unwrap returns the error of the stage.
func (e *StageError) Unwrap() error { return e.Err }

// panicError is a panic of a stage, as an error.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// live runs one life of the stage and turns a panic into an error.
func (s *stage) live() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return s.life(s)
}

// supervise runs the stage and restarts it after failures. It returns an error only
// if the policy is Fail.
func (r *Registry) supervise(s *stage) error {
	failures := 0 // in a row
	for {
		begun, returned := s.profile.counts()
		err := s.live()
		ending := s.intake.Err() != nil
		if err == nil || s.work.Err() != nil || (s.kind == SourceStage && ending) {
			return nil
		}
		begunNow, returnedNow := s.profile.counts()
		if returnedNow > returned {
			failures = 0
		}
		failures++
		s.profile.fail()
		r.logFailure(s, err, failures)
		switch {
		case s.policy == Fail:
			return &StageError{Stage: s.name, Record: s.home().key.String(), Err: err}
		case ending && begunNow == begun:
			return nil // it fails before its first call, so it cannot process what is left
		case failures > 1 || s.kind == SourceStage:
			_ = s.backoff.Wait(s.intake, failures) // the end of intake cuts it short
		}
	}
}

func (r *Registry) logFailure(s *stage, err error, failures int) {
	args := []any{"stage", s.name, "record", s.home().key.String(), "failures_in_a_row", failures, "error", err}
	var panicked *panicError
	if errors.As(err, &panicked) {
		args = append(args, "stack", string(panicked.stack))
	}
	r.options.Logger.Error("a stage failed", args...)
}
