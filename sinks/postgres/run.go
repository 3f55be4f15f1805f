package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// watching is how often Run looks whether the connection of the writer is there, and a
// standby whether the lock is free.
const watching = 500 * time.Millisecond

// Run keeps the connection of the writer, or waits for the lock of the history as a
// standby, until the context ends. Then it lets a Write finish and gives the lock back. It
// can be called once.
func (s *Store) Run(ctx context.Context) error {
	if s.running.Swap(true) {
		return s.explained("run the writer", errors.New("it was run before; open the history again"))
	}
	ticker := time.NewTicker(watching)
	defer ticker.Stop()
	said := error(nil)
	for {
		err := s.look(ctx)
		if ctx.Err() != nil {
			break
		}
		said = s.say(said, err)
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	return s.stop()
}

// look makes the connection if there is none, and tries whether it works and has the
// history that it had. The end of the context does not cut a connection that works.
func (s *Store) look(ctx context.Context) error {
	return s.withWriter(ctx, func(w *writer) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		return s.checkIdentity(ctx, w)
	})
}

// say logs when the state changes: active, standby or out of reach.
func (s *Store) say(said, err error) error {
	log := s.config.Logger.With("schema", s.config.Schema, "server", s.address)
	switch {
	case err == nil:
		s.active.Do(func() { close(s.isActive) })
		if said != nil {
			log.Info("PostgreSQL takes batches; this process is the writer of the history")
		}
	case said == nil || errors.Is(said, ErrInUse) != errors.Is(err, ErrInUse):
		log.Warn("PostgreSQL takes no batches from this process; trying again", "error", shortened(err))
	}
	return err
}

// WaitActive returns when Run holds the lock of the history for the first time, so that
// this process is its writer. A standby waits here.
func (s *Store) WaitActive(ctx context.Context) error {
	select {
	case <-s.isActive:
		return nil
	case <-ctx.Done():
		return s.explained("wait for the lock of the history", context.Cause(ctx))
	}
}

// stop ends the writer when nobody uses it.
func (s *Store) stop() error {
	s.turn <- struct{}{}
	defer s.leave()
	s.stopped = true
	if s.open == nil {
		return nil
	}
	err := s.open.release()
	s.open = nil
	return s.explained("give the lock of the history back", err)
}

// enter waits until nobody else uses the writer. The caller leaves.
func (s *Store) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the connection of the writer: %w", context.Cause(ctx))
	}
}

func (s *Store) leave() { <-s.turn }

// withWriter calls a function with the connection of the writer, one caller at a time.
func (s *Store) withWriter(ctx context.Context, do func(*writer) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	w, err := s.writer(ctx)
	if err != nil {
		return err
	}
	return do(w)
}

// Checkpoint implements sinks.Sink. Before Run it needs no lock. While Run runs it reads
// with the connection of the writer: it has the result of a commit whose answer was lost,
// and fails with ErrInUse in a standby.
func (s *Store) Checkpoint(ctx context.Context) (history.Position, error) {
	p, err := s.checkpoint(ctx)
	return p, s.explained("read the checkpoint", err)
}

func (s *Store) checkpoint(ctx context.Context) (p history.Position, err error) {
	if err := s.enter(ctx); err != nil {
		return p, err
	}
	defer s.leave()
	if !s.stopped && (s.running.Load() || s.last != 0) {
		w, err := s.writer(ctx)
		if err != nil {
			return p, err
		}
		return position(ctx, w.conn.QueryRow(ctx, readPosition))
	}
	db, err := s.db(ctx)
	if err != nil {
		return p, err
	}
	return position(ctx, db.QueryRow(ctx, readPosition))
}
