package records

import (
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// ErrRunning is what Register and the functions that declare stages return after
// Build or Run.
var ErrRunning = errors.New("records: the graph does not change after Build or Run")

// newStage makes a stage that is not declared yet.
func newStage(kind StageKind, opts []StageOption) *stage {
	s := &stage{kind: kind, backoff: backoff.Backoff{First: 100 * time.Millisecond, Longest: 30 * time.Second}}
	for _, o := range opts {
		if s.require("opts", o != nil) {
			o(s)
		}
	}
	return s
}

// require makes the declaration invalid unless an argument is ok. It returns ok.
func (s *stage) require(name string, ok bool) bool {
	if !ok && s.invalid == nil {
		s.invalid = fmt.Errorf("argument %s is nil", name)
	}
	return ok
}

// requireRecord is require for a record. The stage belongs to the registry of the
// first record that is not nil.
func requireRecord[T any](s *stage, name string, record *Record[T]) bool {
	if !s.require(name, record != nil) {
		return false
	}
	if s.registry == nil {
		s.registry = record.untyped.registry
	}
	return true
}

// setOutput makes out the record that the stage produces.
func setOutput[T any](s *stage, out *Record[T]) {
	if requireRecord(s, "out", out) {
		s.output = &out.untyped
	}
}

// addInput makes a record an input of the stage. declare attaches the reader.
func addInput[T any](s *stage, name string, in *Record[T]) *Reader[T] {
	if !requireRecord(s, name, in) {
		return nil
	}
	u := &in.untyped
	reader := &Reader[T]{typed: in}
	reader.record, reader.stage = u, true
	if u.config.RefillStages {
		reader.read = beginning
	}
	s.inputs = append(s.inputs, u)
	s.cursors = append(s.cursors, &reader.cursor)
	return reader
}

// declare adds the stage to the graph and attaches its readers, before the first
// value produced, or refilled if Config.RefillStages is set. It returns what is
// wrong with the arguments, and Build repeats it, so that a caller who ignores the
// error does not run without the stage. It does not change a registry that is built
// or closed.
func (s *stage) declare() error {
	r := s.registry
	if r == nil { // all records are nil
		return s.wrap(s.invalid)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return s.wrap(ErrClosed)
	case r.built:
		return fmt.Errorf("%w; declare all stages before", s.wrap(ErrRunning))
	}
	if err := errors.Join(s.invalid, s.foreign()); err != nil {
		err = s.wrap(err)
		r.invalid = append(r.invalid, err)
		return err
	}
	if s.name == "" {
		s.name = fmt.Sprintf("%v of %s", s.kind, s.home().key)
	}
	for _, c := range s.cursors {
		c.record.attachNamed(c, s.name)
	}
	r.stages = append(r.stages, s)
	return nil
}

// foreign returns an error for inputs of another registry.
func (s *stage) foreign() error {
	for _, in := range s.inputs {
		if in.registry != s.registry {
			return fmt.Errorf("its input %q is unknown: it belongs to another registry", in.key)
		}
	}
	return nil
}

// wrap adds the stage and its record to an error of the declaration.
func (s *stage) wrap(err error) error {
	what := "declare " + s.kind.String()
	if s.name != "" {
		what += fmt.Sprintf(" %q", s.name)
	}
	if u := s.home(); u != nil {
		what += fmt.Sprintf(" of record %q", u.key)
	}
	return fmt.Errorf("%s: %w", what, err)
}
