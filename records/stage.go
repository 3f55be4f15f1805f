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
	// SourceStage writes values that come from outside.
	SourceStage StageKind = iota
	// TapStage reads a record.
	TapStage
	// TransformStage reads one record and writes another.
	TransformStage
	// JoinStage reads several records and writes another.
	JoinStage
)

// String returns the name that AimX uses in origins and edges.
func (k StageKind) String() string {
	return [...]string{"source", "tap", "transform", "transform_join"}[k]
}

// Policy is what happens after a stage has panicked or returned an error. The
// failure is counted and logged in any case.
type Policy uint8

// The policies.
const (
	// Restart continues with the next value after a pause. It is the default.
	// The value on which the stage failed is not tried again.
	Restart Policy = iota
	// Fail ends Run with an error.
	Fail
)

// StageOption configures a stage.
type StageOption func(*stage)

// StageName names a stage in metrics, logs and errors. The default consists of its
// kind and its record.
func StageName(name string) StageOption { return func(s *stage) { s.name = name } }

// StagePolicy sets the policy of a stage.
func StagePolicy(p Policy) StageOption { return func(s *stage) { s.policy = p } }

// StageBackoff sets the first and the longest pause between failures in a row. The
// default is 100 ms and 30 s. Each pause is about twice the one before. A source
// pauses after every failure, other stages only from the second in a row on, so that
// a single bad value delays nothing.
func StageBackoff(first, longest time.Duration) StageOption {
	return func(s *stage) { s.backoff = backoff.Backoff{First: first, Longest: longest} }
}

// stage is a function of the user with its inputs and its output.
type stage struct {
	registry *Registry
	kind     StageKind
	name     string
	index    int
	policy   Policy
	backoff  backoff.Backoff
	inputs   []*Untyped
	output   *Untyped
	// cursors are those of the readers of inputs, in the same order.
	cursors []*cursor
	// life runs the stage until intake has ended and nothing is left, or it
	// fails. Each life calls the start function of the user again, so that no
	// state survives a failure.
	life    func(*stage) error
	profile profile
	// invalid is the first thing that is wrong with the declaration.
	invalid error

	// intake ends when the stage must not wait for new values, work when it must
	// stop at once.
	intake, work context.Context
	endIntake    context.CancelFunc
	done         chan struct{}
}

// home returns the record to which a stage belongs: its output, or the record that
// it taps. It is nil for a declaration that has neither.
func (s *stage) home() *Untyped {
	if s.output == nil && len(s.inputs) > 0 {
		return s.inputs[0]
	}
	return s.output
}

// each calls fn with the values of a reader until intake has ended and none are
// left.
func each[T any](s *stage, reader *Reader[T], fn func(ctx context.Context, v T) error) error {
	for s.work.Err() == nil {
		v, err := reader.Receive(s.intake)
		if err != nil {
			return nil // intake has ended
		}
		if err := s.profile.call(func() error { return fn(s.work, v) }); err != nil {
			return err
		}
	}
	return nil
}
