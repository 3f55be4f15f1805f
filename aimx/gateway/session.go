package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// session is one connection on the server's side. Its frames are handled by
// the goroutine of serve, in order; queries and subscriptions have goroutines
// of their own, which all end before serve returns.
type session struct {
	server    *Server
	transport transport
	conn      wire.Conn
	// ctx ends with the connection; its cause says why.
	ctx  context.Context
	quit context.CancelCauseFunc
	work sync.WaitGroup
	out  wire.FrameWriter // of the goroutine of serve

	sending sync.Mutex // one frame at a time

	// waiting and running bound the queries.
	waiting, running chan struct{}
	// subscriptions is for the goroutine of serve only.
	subscriptions map[string]*subscription
	// cursors are those of record.drain, for the goroutine of serve too.
	cursors map[*records.Untyped]*records.EncodedReader
	// refusedWrites counts writes that changed nothing.
	refusedWrites uint64
}

func newSession(ctx context.Context, s *Server, c wire.Conn, d transport) *session {
	queries := s.config.Limits.Queries
	session := &session{
		server: s, transport: d, conn: c,
		waiting:       make(chan struct{}, 5*queries),
		running:       make(chan struct{}, queries),
		subscriptions: make(map[string]*subscription),
		cursors:       make(map[*records.Untyped]*records.EncodedReader),
	}
	session.ctx, session.quit = context.WithCancelCause(ctx)
	return session
}

// serve handles frames until the connection ends.
func (s *session) serve() {
	// Closing the connection is what ends a receive or a send that blocks.
	closing := context.AfterFunc(s.ctx, func() { _ = s.conn.Close() }) // whoever blocks gets the error
	defer closing()
	err := s.receive()
	for _, sub := range s.subscriptions {
		sub.end()
	}
	for _, cursor := range s.cursors {
		cursor.Close()
	}
	if !errors.Is(err, io.EOF) {
		s.hangUp(err)
	}
	s.work.Wait() // a client that half-closed waits for its answers
	s.hangUp(err)
	_ = s.conn.Close() // there is nobody left to tell
	s.server.config.Logger.Debug("AimX connection ended", "transport", s.transport.name,
		"reason", context.Cause(s.ctx), "refused_writes", s.refusedWrites)
}

// hangUp ends the session; the first reason counts.
func (s *session) hangUp(why error) { s.quit(why) }

func (s *session) receive() error {
	for {
		line, err := s.conn.Receive()
		if err != nil {
			return err
		}
		if f, ok := wire.Decode(line); ok {
			s.handle(f)
		}
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
	}
}

func (s *session) handle(f wire.Frame) {
	switch f.Kind {
	case wire.KindRequest:
		s.call(f)
	case wire.KindSubscribe:
		s.subscribe(f)
	case wire.KindUnsubscribe:
		s.unsubscribe(f.Sub)
	case wire.KindWrite:
		s.write(f)
	case wire.KindPing:
		s.send(s.out.Bare(wire.KindPong))
	}
}

// send writes one frame. The first failure ends the session.
func (s *session) send(frame []byte) bool {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	if err := s.conn.Send(frame); err != nil {
		s.hangUp(fmt.Errorf("send: %w", err))
		return false
	}
	return true
}

// answer sends the one reply to a request. A result of null is not_found, as
// upstream's client hangs on it.
func (s *session) answer(w *wire.FrameWriter, id uint64, result []byte, no *refusal) {
	switch {
	case no != nil:
		s.send(w.Refusal(id, string(no.code), no.reason))
	case wire.IsNull(result):
		s.send(w.Refusal(id, string(aimx.CodeNotFound), "the value is null"))
	default:
		s.send(w.Reply(id, result))
	}
}

func (s *session) subscribe(f wire.Frame) {
	sub := strconv.FormatUint(f.ID, 10)
	s.unsubscribe(sub) // an id that is used again stands for the new one
	if len(s.subscriptions) >= s.transport.subscriptions {
		s.answer(&s.out, f.ID, nil, refuse(aimx.CodeDenied, "a connection has at most %d subscriptions; unsub one or open another connection", s.transport.subscriptions))
		return
	}
	source, no := s.open(f.Topic)
	if no != nil && s.transport.refusesTopics {
		s.answer(&s.out, f.ID, nil, no)
		return
	}
	if s.transport.acknowledges {
		s.send(s.out.Subscribed(sub))
	}
	added := newSubscription(s, f.ID, sub, source)
	s.subscriptions[sub] = added
	added.start()
}

func (s *session) unsubscribe(sub string) {
	if old, ok := s.subscriptions[sub]; ok {
		old.end()
		delete(s.subscriptions, sub)
	}
}
