package gateway

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// session is one connection of the server. The goroutine of serve handles its
// frames in order. Queries and subscriptions have goroutines of their own, which
// end before serve returns.
type session struct {
	server    *Server
	transport transport
	conn      wire.Conn
	// joiner is conn if several frames can go out in one write, nil otherwise.
	joiner wire.Joiner
	// ctx ends with the connection, and its cause says why. end ends both; the
	// first cause counts.
	ctx  context.Context
	end  context.CancelCauseFunc
	work sync.WaitGroup
	// decoder and out are for the goroutine of serve only.
	decoder wire.Decoder
	out     wire.FrameWriter

	sending sync.Mutex // one write at a time
	burst   burst

	// remote is the address of the client, for the log.
	remote string
	// asksForToken says that a token has to be presented, and admitted that one was, or
	// none is asked for. grants are those of the token; they change once, when the
	// client is admitted, before any goroutine reads them. All are for the goroutine of
	// serve, and the ones it starts.
	asksForToken, admitted bool
	grants                 *access.Grants
	// follows says that it is that of a Follow.
	follows bool
	// holds are the grants for the goroutine that ends revoked sessions.
	holds atomic.Pointer[access.Grants]
	// ending, if it is not nil, ends the connection after the present frame.
	ending error
	// patience ends a connection that presents no token; nil if there is nothing to
	// wait for.
	patience *time.Timer
	// frameBytes bounds the frames that the client takes; 0 is no bound.
	frameBytes atomic.Int64

	// waiting holds a token for each accepted query, running for each that reads
	// the history.
	waiting, running chan struct{}
	// subscriptions, by the text of their ids, and cursors, which are those of
	// record.drain, are for the goroutine of serve only.
	subscriptions map[string]ender
	cursors       map[*records.Untyped]*drainCursor
	// legacyOpened counts the subscriptions of the earlier protocol, to name them.
	legacyOpened uint64
	// logging has the sets whose answers wait for the log; nil before the first.
	logging chan loggedSet
	// refusedWrites counts writes that changed nothing, deniedFrames the requests and
	// subscriptions before a token.
	refusedWrites, deniedFrames uint64
	// oversized counts values that no frame to this client can carry.
	oversized atomic.Uint64
	// skippedFrames counts frames that are malformed or of an unknown kind. The
	// protocol has no answer for them.
	skippedFrames uint64
}

// ender is a subscription of either kind. end tells its goroutine to end.
type ender interface{ end() }

func newSession(ctx context.Context, s *Server, c wire.Conn, t transport) *session {
	if s.config.Limits.Subscriptions > 0 {
		t.subscriptions = s.config.Limits.Subscriptions
	}
	queries := s.config.Limits.Queries
	session := &session{
		server: s, transport: t, conn: c,
		waiting:       make(chan struct{}, queries+s.config.Limits.Waiting),
		running:       make(chan struct{}, queries),
		subscriptions: make(map[string]ender),
		cursors:       make(map[*records.Untyped]*drainCursor),
		admitted:      true,
	}
	session.joiner, _ = c.(wire.Joiner) // that of a WebSocket is none, and a Call has none
	session.frameBytes.Store(int64(t.frameBytes))
	session.ctx, session.end = context.WithCancelCause(ctx)
	return session
}

// serve handles frames until the connection ends.
func (s *session) serve() {
	// A blocked Receive or Send ends only when the connection is closed.
	closing := context.AfterFunc(s.ctx, func() { _ = s.conn.Close() }) // the blocked call returns the error
	defer closing()
	err := s.receive()
	for _, sub := range s.subscriptions {
		sub.end()
	}
	for _, cursor := range s.cursors {
		cursor.Close()
	}
	if s.logging != nil {
		close(s.logging)
	}
	if !errors.Is(err, io.EOF) {
		s.end(err)
	}
	s.work.Wait() // a client that half-closed still waits for answers
	s.end(err)
	_ = s.conn.Close() // the connection is over, whatever Close returns
	s.server.config.Logger.Debug("AimX connection ended", "transport", s.transport.name,
		"reason", context.Cause(s.ctx), "refused_writes", s.refusedWrites, "skipped_frames", s.skippedFrames,
		"denied_frames", s.deniedFrames, "oversized_values", s.oversized.Load())
}

func (s *session) receive() error {
	defer s.endBurst()
	for {
		line, err := s.conn.Receive()
		if err != nil {
			s.refuseLong(err)
			return err
		}
		more := s.beginBurst()
		if f, ok := s.decoder.Decode(line); ok {
			s.handle(f)
		} else if r, ok := s.decoder.DecodeLegacy(line); ok {
			s.handleLegacy(r)
		} else {
			s.skippedFrames++
		}
		if s.ending != nil {
			return s.ending
		}
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if !more {
			s.endBurst()
		}
	}
}

func (s *session) handle(f wire.Frame) {
	if !s.admitted && s.stop(f) {
		return
	}
	s.server.counters.frames.Add(1)
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

// send writes one frame. The first failure ends the session. A value that the client
// cannot take is left out: the gap in the numbers shows it.
func (s *session) send(frame []byte) bool {
	if s.refusesLength(frame) {
		return s.ctx.Err() == nil
	}
	return s.transmit(frame)
}

// refusesLength counts a frame that is too long for the client.
func (s *session) refusesLength(frame []byte) bool {
	long := s.tooLong(frame)
	if long {
		s.oversized.Add(1)
	}
	return long
}

// answer sends the one reply to a request. A result of null becomes not_found:
// upstream's client never returns from a call that is answered with null.
func (s *session) answer(w *wire.FrameWriter, id uint64, result []byte, refused *refusal) {
	switch {
	case refused != nil:
		s.send(w.Refusal(id, string(refused.code), refused.reason))
	case wire.IsNull(result):
		s.send(w.Refusal(id, string(aimx.CodeNotFound), "the value is null"))
	default:
		frame := w.Reply(id, result)
		if s.tooLong(frame) {
			frame = w.Refusal(id, string(aimx.CodeInternal), s.tooLongReason(len(frame)))
		}
		s.send(frame)
	}
}

func (s *session) subscribe(f wire.Frame) {
	sub := strconv.FormatUint(f.ID, 10)
	s.unsubscribe(sub) // a reused id replaces the old subscription
	if len(s.subscriptions) >= s.transport.subscriptions {
		s.answer(&s.out, f.ID, nil, s.refuseSubscription())
		return
	}
	open := s.openLive
	if !wire.IsNull(f.From) {
		open = s.openResuming
	}
	opened, refused := open(f, sub)
	if refused != nil {
		s.answer(&s.out, f.ID, nil, refused)
		return
	}
	s.subscriptions[sub] = opened
}

func (s *session) refuseSubscription() *refusal {
	return refuse(aimx.CodeDenied, "a connection has at most %d subscriptions; unsub one or open another connection", s.transport.subscriptions)
}

func (s *session) unsubscribe(sub string) {
	if old, ok := s.subscriptions[sub]; ok {
		old.end()
		delete(s.subscriptions, sub)
	}
}
