package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Run runs all stages until ctx ends, and then returns nil, or until a stage with
// the policy Fail fails, and then returns its error.
//
// When it ends, the sources stop first. Then each stage, inputs before outputs,
// processes what is left and ends. After RegistryOptions.Grace the contexts of the
// functions end too. Run returns when all functions have returned. What they have
// written stays in the rings for the feeds.
func (r *Registry) Run(ctx context.Context) error {
	if err := r.start(); err != nil {
		return err
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	failed := make(chan error, len(r.stages))
	r.mu.Lock()
	for _, s := range r.stages {
		s.work = work
		s.intake, s.endIntake = context.WithCancel(work)
		s.done = make(chan struct{})
	}
	r.mu.Unlock()
	for _, s := range r.stages {
		go func() {
			defer close(s.done)
			if err := r.supervise(s); err != nil {
				failed <- err
			}
		}()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	r.drain(stopWork)
	for {
		select {
		case another := <-failed:
			err = errors.Join(err, another)
		default:
			return err
		}
	}
}

// start builds the graph and returns an error if it was run before.
func (r *Registry) start() error {
	if err := r.Build(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return errors.New("run the graph: it ran before; make a new registry")
	}
	r.running = true
	return nil
}

// drain ends the stages in the order of the graph.
func (r *Registry) drain(stopWork context.CancelFunc) {
	grace := time.AfterFunc(r.options.Grace, func() {
		r.options.Logger.Warn("the stages did not finish in time and are stopped", "grace", r.options.Grace, "busy", r.Busy())
		stopWork()
	})
	defer grace.Stop()
	for _, s := range r.stages {
		if s.kind == SourceStage {
			s.endIntake()
		}
	}
	end := func(stages []*stage) {
		for _, s := range stages {
			s.endIntake()
		}
		for _, s := range stages {
			<-s.done
		}
	}
	r.mu.RLock()
	order := slices.Clone(r.order)
	r.mu.RUnlock()
	for _, u := range order {
		end(r.producers[u])
	}
	end(r.stages) // the taps are left
}

// Busy names the stages that run, with their records.
func (r *Registry) Busy() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var busy []string
	for _, s := range r.stages {
		if s.done == nil {
			continue
		}
		select {
		case <-s.done:
		default:
			busy = append(busy, fmt.Sprintf("stage %q of record %q", s.name, s.home().key))
		}
	}
	return busy
}
