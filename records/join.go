package records

import (
	"errors"
	"fmt"
)

// Join reads the values of any number of records and writes values to out. start
// calls On for each input. It is called when the join is declared, when the stage
// starts and after each failure, so that no state survives a failure. It must name
// the same inputs each time and have no other effect.
//
// The functions are called one at a time. Values of one input keep their order.
// Inputs are read in turn, one value each. Join returns ErrRunning after Build or
// Run.
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
			s.invalid = errors.New("it names no input; call On in start")
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
			return fmt.Errorf("start does not name the same inputs as before: %w", in.err)
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

// On makes a record an input of a join and fn the function for its values. Join
// returns the error as well, so start need not check it.
func On[T, Out any](in *Inputs[Out], record *Record[T], fn TransformFunc[T, Out]) error {
	if in == nil {
		return errors.New("input of a join: argument in is nil; pass the argument of start")
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
		return errors.New("there are more inputs")
	}
	reader, ok := in.declared.readers[i].(*Reader[T])
	if !ok || reader.typed != record {
		return fmt.Errorf("input %d is another record", i)
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

// run reads the inputs in turn until intake has ended and nothing is left.
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

// round reads up to one value of each input.
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

// allEnded reports whether no input will have another value.
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
