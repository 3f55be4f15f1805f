package gateway

import (
	"errors"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// This file decides what a connection may do. private.go applies it to the history.

// mayRead reports whether the client may read the values of a record.
func (s *session) mayRead(h *records.Untyped) bool {
	return h.Config().Remote && s.grants.Reads(h.Key())
}

// mayWrite reports whether the client may set a record.
func (s *session) mayWrite(h *records.Untyped) bool { return s.server.ingest.MayWrite(s.grants, h) }

// readable returns the record of a name if the client may read it. What a token does
// not grant is refused alike whether it exists or not.
func (s *session) readable(name string) (*records.Untyped, *refusal) {
	h, ok := s.server.config.Registry.Lookup(name)
	if ok && !s.grants.Reads(h.Key()) || !s.grants.Reads(name) {
		return nil, refuse(aimx.CodeDenied, "the token of this connection does not grant reading %q", name)
	}
	if !ok {
		return nil, refuse(aimx.CodeNotFound, "there is no record %q", name)
	}
	if !h.Config().Remote {
		return nil, refuse(aimx.CodeInternal, "record %q is not exposed; register it with Remote", name)
	}
	return h, nil
}

// refusePattern refuses a pattern that can match records which the client may not read.
// The records that it does match are checked one by one too.
func (s *session) refusePattern(p key.Pattern) *refusal {
	if s.grants.ReadsAll(p) {
		return nil
	}
	return refuse(aimx.CodeDenied, "the token of this connection does not grant reading everything that %q can match; ask for a narrower pattern", p.String())
}

// refuseQuery refuses a query for more than the client may read, or for one record that
// is registered without Remote. A query for a pattern leaves such records out instead.
func (s *session) refuseQuery(p key.Pattern) *refusal {
	if refused := s.refusePattern(p); refused != nil {
		return refused
	}
	name, exact := p.Exact()
	if !exact {
		return nil
	}
	if _, registered := s.server.config.Registry.Lookup(name); !registered {
		return nil
	}
	_, refused := s.readable(name)
	return refused
}

// listed returns the records whose metadata the client may see: all, private ones
// included, without a token.
func (s *session) listed() []*records.Untyped {
	all := s.server.config.Registry.Records()
	if s.grants.Everything() {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(h *records.Untyped) bool { return !s.grants.Reads(h.Key()) })
}

// errWrongToken is the cause of connections that end because of a wrong token, and
// errNoToken of those that present none.
var (
	errWrongToken = errors.New("the client presented an unknown token")
	errNoToken    = errors.New("the client presented no token in time")
	errRevoked    = errors.New("the token or user of the client was removed or changed")
)

// noTokenYet refuses what comes before a token.
const noTokenYet = "this server admits nobody without a token; present one in auth_token of hello"

// authenticate admits a client whose hello has a token that it must have. After a wrong
// one the connection ends, which slows down guessing.
func (s *session) authenticate(params []byte) *refusal {
	raw := s.decoder.Member(params, "auth_token")
	switch {
	case !s.asksForToken:
		return nil // a token of an open transport decides nothing
	case !wire.IsString(raw) && s.admitted:
		return nil
	case !wire.IsString(raw):
		return refuse(aimx.CodeDenied, "hello needs a token in auth_token: this server admits nobody without one")
	}
	g := s.server.config.Access.Login(string(wire.Unquote(raw)))
	switch {
	case g == nil:
		s.ending = errWrongToken
		s.server.config.Logger.Warn("an AimX client presented an unknown token", "transport", s.transport.name, "remote", s.remote, "refused_tokens", s.server.config.Access.Refused())
		return refuse(aimx.CodeDenied, "%v", access.ErrUnknown)
	case s.admitted && g != s.grants:
		return refuse(aimx.CodeDenied, "this connection has presented another token; open a connection for each token")
	}
	s.admit(g)
	return nil
}

// endImpatiently ends a connection that has presented no token in time.
func (s *session) endImpatiently() {
	s.endSaying(errNoToken, refuse(aimx.CodeDenied, "no token came within %v, and the connection ends; present one in auth_token of hello", s.server.config.Limits.TokenTimeout))
}

// endSaying ends a connection with a reason for the client. Nothing was asked, so the
// reason goes out under the id 0.
func (s *session) endSaying(cause error, reason *refusal) {
	defer time.AfterFunc(time.Second, func() { s.end(cause) }).Stop() // a client that reads nothing is not waited for
	s.answer(&wire.FrameWriter{}, 0, nil, reason)
	s.sending.Lock()
	s.release() // its error ends the session too
	s.sending.Unlock()
	s.end(cause)
}

// endRevoked ends the sessions whose grants are revoked.
func (s *Server) endRevoked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if session.holds.Load().IsRevoked() {
			s.work.Go(session.endIfRevoked)
		}
	}
}

// endIfRevoked ends the session if its grants are revoked.
func (s *session) endIfRevoked() {
	if s.holds.Load().IsRevoked() && s.conn != nil {
		s.endSaying(errRevoked, refuse(aimx.CodeDenied, "the token or user of this connection was removed or changed, and the connection ends; ask whoever runs the database, and connect again"))
	}
}

// stop refuses a frame of a client that has not presented its token. Only hello and
// ping pass.
func (s *session) stop(f wire.Frame) bool {
	switch {
	case f.Kind == wire.KindPing, f.Kind == wire.KindRequest && f.Method == wire.MethodHello:
		return false
	case f.Kind == wire.KindWrite:
		s.refusedWrites++
	case f.Kind == wire.KindRequest, f.Kind == wire.KindSubscribe:
		s.deniedFrames++
		s.answer(&s.out, f.ID, nil, refuse(aimx.CodeDenied, noTokenYet))
	}
	return true
}

// admit lets the client in with grants, nil for all.
func (s *session) admit(g *access.Grants) {
	s.grants, s.admitted = g, true
	s.holds.Store(g)
	s.endIfRevoked() // since it was found in the list
	if s.patience != nil {
		s.patience.Stop()
	}
}
