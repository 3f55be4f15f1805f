package records

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// StageKind is what a stage does in the graph.
type StageKind uint8

// The kinds of stages.
const (
	// SourceStage makes values from outside.
	SourceStage StageKind = iota
	// TapStage reads a record.
	TapStage
	// TransformStage makes values of one record from those of another.
	TransformStage
	// JoinStage makes values of one record from those of several.
	JoinStage
)

// String returns the name AimX uses in origins and edges.
func (k StageKind) String() string {
	return [...]string{"source", "tap", "transform", "transform_join"}[k]
}

// Policy says what happens after a stage has panicked or returned an error. The
// failure is counted and logged either way.
type Policy uint8

// The policies.
const (
	// Restart goes on with the next value after a back-off. It is the
	// default. The value on which the stage failed is not tried again.
	Restart Policy = iota
	// Fail ends Run with an error.
	Fail
)

// StageOption configures a stage.
type StageOption func(*stage)

// StageName names a stage in metrics, logs and errors. Without it the name is
// made of its kind and its records.
func StageName(name string) StageOption { return func(s *stage) { s.name = name } }

// StagePolicy sets what happens when the stage fails.
func StagePolicy(p Policy) StageOption { return func(s *stage) { s.policy = p } }

// StageBackoff sets the first and the longest pause between failures in a row;
// the default is 100 ms and 30 s. Each pause is about double the one before. A
// source pauses after every failure; other stages do not after a first one, so
// that a single bad value holds up nothing.
func StageBackoff(first, longest time.Duration) StageOption {
	return func(s *stage) { s.backoff = backoff.Backoff{First: first, Longest: longest} }
}

// stage is one function of the user at work in the graph.
type stage struct {
	registry *Registry
	kind     StageKind
	name     string
	index    int
	policy   Policy
	backoff  backoff.Backoff
	inputs   []*Untyped
	output   *Untyped
	// cursors are the readers of the inputs, in the same order.
	cursors []*cursor
	// life runs the stage until intake has ended and nothing is left, or it
	// fails. What the user's function keeps is made anew for each life.
	life    func(*stage) error
	profile profile
	// invalid is the first thing that is wrong with the declaration.
	invalid error

	// intake ends when no new values are to be waited for, work when the stage
	// has to stop at once.
	intake, work context.Context
	endIntake    context.CancelFunc
	done         chan struct{}
}

// home returns the record that a stage belongs to: its output, or what it
// taps. It is nil for a declaration that names neither.
func (s *stage) home() *Untyped {
	if s.output == nil && len(s.inputs) > 0 {
		return s.inputs[0]
	}
	return s.output
}

// each calls fn with the values of a reader until none are left.
func each[T any](s *stage, reader *Reader[T], fn func(ctx context.Context, v T) error) error {
	for s.work.Err() == nil {
		v, err := reader.Receive(s.intake)
		if err != nil {
			return nil // the end of the intake
		}
		if err := s.profile.call(func() error { return fn(s.work, v) }); err != nil {
			return err
		}
	}
	return nil
}
