package records

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Build checks the graph. Afterwards it does not change, and Register and
// declarations of stages return ErrRunning. The error lists everything that is
// wrong, by the keys of the records. Run calls Build.
func (r *Registry) Build() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("build the graph: %w", ErrClosed)
	}
	if !r.built {
		r.built = true
		r.index()
		order, cycle := r.sort()
		r.order = order
		if cycle != nil {
			r.invalid = append(r.invalid, cycle)
		}
		r.checkRecords()
	}
	if err := errors.Join(r.invalid...); err != nil {
		return fmt.Errorf("build the graph: %w", err)
	}
	return nil
}

// index assigns stages to their records and numbers the taps.
func (r *Registry) index() {
	for _, s := range r.stages {
		if s.output != nil {
			r.producers[s.output] = append(r.producers[s.output], s)
		}
		for i, in := range s.inputs {
			if slices.Index(s.inputs, in) < i {
				continue // a join may read one record twice
			}
			if s.kind == TapStage {
				s.index = countTaps(r.readers[in])
			}
			r.readers[in] = append(r.readers[in], s)
		}
	}
}

func countTaps(stages []*stage) int {
	n := 0
	for _, s := range stages {
		if s.kind == TapStage {
			n++
		}
	}
	return n
}

// checkRecords finds records with too many or too few stages.
func (r *Registry) checkRecords() {
	for _, u := range r.records {
		if made := r.producers[u]; len(made) > 1 {
			var names []string
			for _, s := range made {
				names = append(names, s.describe())
			}
			r.invalid = append(r.invalid, fmt.Errorf("record %q has %d producers, whose values would mix: %s; keep one", u.key, len(made), strings.Join(names, ", ")))
		}
		if slices.Contains(u.config.Lossless, StageReaders) && len(r.readers[u]) == 0 {
			r.invalid = append(r.invalid, fmt.Errorf("record %q is lossless for its stages but no stage reads it, so its producers would wait forever; declare a stage or change Lossless", u.key))
		}
	}
}

// describe names a stage and its inputs.
func (s *stage) describe() string {
	if len(s.inputs) == 0 {
		return fmt.Sprintf("%q", s.name)
	}
	var keys []string
	for _, in := range s.inputs {
		keys = append(keys, fmt.Sprintf("%q", in.key))
	}
	return fmt.Sprintf("%q from %s", s.name, strings.Join(keys, " and "))
}

// sort returns the records with the inputs of each stage before its output,
// otherwise in the order of registration, or the cycle that makes this impossible.
func (r *Registry) sort() (order []*Untyped, cycle error) {
	const visiting, done = 1, 2
	state := make(map[*Untyped]int, len(r.records))
	var path []*Untyped
	var visit func(u *Untyped)
	visit = func(u *Untyped) {
		switch state[u] {
		case done:
			return
		case visiting:
			if cycle == nil {
				cycle = cycleError(path[slices.Index(path, u):])
			}
			return
		}
		state[u] = visiting
		path = append(path, u)
		for _, s := range r.producers[u] {
			for _, in := range s.inputs {
				visit(in)
			}
		}
		path = path[:len(path)-1]
		state[u] = done
		order = append(order, u)
	}
	for _, u := range r.records {
		visit(u)
	}
	return order, cycle
}

// cycleError describes a path that goes from outputs to inputs.
func cycleError(path []*Untyped) error {
	keys := []string{fmt.Sprintf("%q", path[0].key)}
	for _, u := range slices.Backward(path) {
		keys = append(keys, fmt.Sprintf("%q", u.key))
	}
	return fmt.Errorf("stages form a cycle of records: %s", strings.Join(keys, " -> "))
}
