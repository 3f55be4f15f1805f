package records

import (
	"errors"
	"fmt"
)

// Join makes values of out from the values of any number of records. start
// names the inputs by calling On for each; it is called once when the join is
// declared and again for each life, so that what the functions remember is
// fresh after a failure. It must name the same inputs each time, and do nothing
// else that shows.
//
// The functions are called one at a time. The values of each input come in
// order; between the inputs there is no order, but none is starved. Join
// returns ErrRunning after Build or Run.
func Join[Out any](out *Record[Out], start func(*Inputs[Out]), opts ...StageOption) error {
	s := newStage(JoinStage, opts)
	s.require("start", start != nil)
	return join(s, out, start)
}

func join[Out any](s *stage, out *Record[Out], start func(*Inputs[Out])) error {
	setOutput(s, out)
	declared := &Inputs[Out]{stage: s}
	if s.invalid == nil {
		start(declared)
		if s.invalid = declared.err; s.invalid == nil && len(s.cursors) == 0 {
			s.invalid = errors.New("it names no input")
		}
	}
	ready := make(chan struct{}, 1) // one sleep waits for all inputs
	for _, c := range s.cursors {
		c.waiter = &waiter{ready: ready}
	}
	s.life = func(s *stage) error {
		in := &Inputs[Out]{stage: s, declared: declared, emit: func(v Out) error { return out.Send(s.work, v) }}
		start(in)
		if in.err != nil || len(in.steps) != len(declared.readers) {
			return fmt.Errorf("it does not name the same inputs as before: %w", in.err)
		}
		return in.run()
	}
	return s.declare()
}

// Inputs are the inputs of a join.
type Inputs[Out any] struct {
	stage    *stage
	declared *Inputs[Out] // nil while the join is declared
	readers  []any
	steps    []func() (bool, error)
	emit     func(Out) error
	err      error
}

// On makes a record an input of a join and fn the function for its values. Its
// error is also that of the join, so start need not check it.
func On[T, Out any](in *Inputs[Out], record *Record[T], fn TransformFunc[T, Out]) error {
	if in == nil {
		return errors.New("input of a join: argument in is nil; pass what start was given")
	}
	if in.err == nil {
		in.err = on(in, record, fn)
	}
	return in.err
}

func on[T, Out any](in *Inputs[Out], record *Record[T], fn TransformFunc[T, Out]) error {
	switch {
	case record == nil:
		return fmt.Errorf("argument record of input %d is nil", max(len(in.readers), len(in.steps)))
	case fn == nil:
		return fmt.Errorf("argument fn of input %q is nil", record.Key())
	case in.declared == nil:
		in.readers = append(in.readers, addInput(in.stage, "record", record))
		return nil
	}
	i := len(in.steps)
	if i >= len(in.declared.readers) {
		return errors.New("it has more inputs now")
	}
	reader, ok := in.declared.readers[i].(*Reader[T])
	if !ok || reader.typed != record {
		return fmt.Errorf("input %d is another one now", i)
	}
	s := in.stage
	in.steps = append(in.steps, func() (bool, error) {
		v, ok := reader.TryReceive()
		if !ok {
			return false, nil
		}
		return true, s.profile.call(func() error { return fn(s.work, v, in.emit) })
	})
	return nil
}

// run takes one value of each input in turn until none are left.
func (in *Inputs[Out]) run() error {
	s := in.stage
	var ended error
	for s.work.Err() == nil {
		busy, err := in.round()
		switch {
		case err != nil:
			return err
		case busy:
		case ended != nil || s.allEnded():
			return nil
		default:
			ended = await(s.intake, s.cursors...)
		}
	}
	return nil
}

// round takes up to one value of each input.
func (in *Inputs[Out]) round() (busy bool, err error) {
	for _, step := range in.steps {
		took, err := step()
		if err != nil {
			return true, err
		}
		busy = busy || took
	}
	return busy, nil
}

// allEnded reports whether no input will have a value any more.
func (s *stage) allEnded() bool {
	for _, c := range s.cursors {
		if !c.ended() {
			return false
		}
	}
	return true
}

// Join2 is Join for two inputs. start returns the function for each.
func Join2[A, B, Out any](a *Record[A], b *Record[B], out *Record[Out], start func() (TransformFunc[A, Out], TransformFunc[B, Out]), opts ...StageOption) error {
	s := newStage(JoinStage, opts)
	requireRecord(s, "a", a)
	requireRecord(s, "b", b)
	s.require("start", start != nil)
	return join(s, out, func(in *Inputs[Out]) {
		onA, onB := start()
		_ = On(in, a, onA) // the join returns it
		_ = On(in, b, onB)
	})
}
