package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// command is a task for the writer.
type command struct {
	do    func(ctx context.Context, w *writer) error
	taken atomic.Bool
	done  chan error
}

// Run owns the writing connection until the context ends. Then it finishes what
// it has accepted and returns nil. It returns an error only if the file is
// damaged, so that the next start can replace it. Run can be called once.
func (s *Store) Run(ctx context.Context) error {
	if s.write == nil {
		return fmt.Errorf("run the writer of %s: %w", s.path, ErrReadOnly)
	}
	if s.running.Swap(true) {
		return fmt.Errorf("run the writer of %s: it was run before; open the file again", s.path)
	}
	defer close(s.stopped)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := s.step(ctx, ticker.C); err != nil {
			return err
		}
	}
	return s.drain()
}

// step executes one command: a write if there is one, else whatever comes first.
func (s *Store) step(ctx context.Context, tick <-chan time.Time) error {
	select {
	case c := <-s.urgent:
		return s.execute(c)
	default:
	}
	select {
	case c := <-s.urgent:
		return s.execute(c)
	case c := <-s.background:
		return s.execute(c)
	case <-tick:
		s.look()
		s.write.rest(ctx, s.options.logger)
	case <-ctx.Done():
	}
	return nil
}

// drain executes the writes that still wait. Later ones fail with ErrStopped.
func (s *Store) drain() error {
	for {
		select {
		case c := <-s.urgent:
			if err := s.execute(c); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// execute hands the result to the caller, and returns it too if the file is
// damaged. It takes no context: a command that has begun is finished.
func (s *Store) execute(c *command) error {
	if c.taken.Swap(true) {
		return nil // the caller does not wait any more
	}
	if err := s.checkFile(false); err != nil {
		c.done <- err
		return nil
	}
	s.write.worked = time.Now()
	before := s.write.last
	err := s.noted(corruptError(c.do(context.Background(), s.write)))
	if err != nil {
		s.write.forget(before)
	}
	c.done <- err
	if errors.Is(err, ErrCorrupt) && s.checkFile(true) == nil {
		return fmt.Errorf("the history %s: %w; the next start deals with it", s.path, err)
	}
	return nil
}

// ask sends a command to the writer and waits for it. If the context ends before
// the command has begun, it is never executed.
func (s *Store) ask(ctx context.Context, queue chan *command, do func(context.Context, *writer) error) error {
	if s.write == nil {
		return fmt.Errorf("write to %s: %w", s.path, ErrReadOnly)
	}
	c := &command{do: do, done: make(chan error, 1)}
	select {
	case queue <- c:
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer of %s: %w", s.path, context.Cause(ctx))
	case <-s.stopped:
		return fmt.Errorf("write to %s: %w", s.path, ErrStopped)
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if !c.taken.Swap(true) {
			return fmt.Errorf("wait for the writer of %s: %w", s.path, context.Cause(ctx))
		}
	case <-s.stopped:
		if !c.taken.Swap(true) {
			return fmt.Errorf("write to %s: %w", s.path, ErrStopped)
		}
	}
	return <-c.done
}
