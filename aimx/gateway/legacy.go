package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// This file answers requests of the protocol before AimX 3.0. Upstream skips their
// frames, so no client of 3.0 notices.

// legacyVersion is the version of that protocol.
const legacyVersion = "1.0"

// The codes of that protocol.
const (
	legacyNotFound       = "not_found"
	legacyDenied         = "permission_denied"
	legacyInvalidParams  = "invalid_params"
	legacyMethodNotFound = "method_not_found"
	legacyNotConfigured  = "not_configured"
	legacyQueryError     = "query_error"
	legacyInternal       = "internal_error"
	legacyVersionWrong   = "version_mismatch"
)

// errLegacyHello is the cause of connections that end because of a hello that is refused.
var errLegacyHello = errors.New("the client sent a hello of the earlier protocol that was refused")

// handleLegacy answers one request. What a client may do is decided by the same
// functions as for AimX 3.0.
func (s *session) handleLegacy(r wire.LegacyRequest) {
	switch {
	case r.Method == wire.MethodHello:
		s.legacyHello(r)
	case !s.admitted:
		s.deniedFrames++
		s.legacyRefuse(&s.out, r, legacyDenied, noTokenYet)
	case r.Method == wire.MethodLegacySubscribe:
		s.legacySubscribe(r)
	case r.Method == wire.MethodLegacyUnsubscribe:
		s.legacyUnsubscribe(r)
	default:
		s.legacyCall(r)
	}
}

// legacyHello answers hello. A refusal ends the connection.
func (s *session) legacyHello(r wire.LegacyRequest) {
	version := s.decoder.Member(r.Params, "version")
	if !wire.IsString(version) || !isLegacy(string(wire.Unquote(version))) {
		s.ending = errLegacyHello
		s.legacyRefuse(&s.out, r, legacyVersionWrong, "a hello without \"t\" needs the version "+legacyVersion+"; this server also speaks AimX "+aimx.Version)
		return
	}
	refused := s.authenticate(r.Params)
	if refused == nil {
		var result json.RawMessage
		if result, refused = s.welcome(legacyVersion); refused == nil {
			s.legacyAnswer(&s.out, r, result, nil)
			return
		}
	}
	if s.ending == nil {
		s.ending = errLegacyHello
	}
	s.legacyAnswer(&s.out, r, nil, refused)
}

func isLegacy(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	return major == "1"
}

// legacyCall answers a request that AimX 3.0 has too.
func (s *session) legacyCall(r wire.LegacyRequest) {
	if r.Method == wire.MethodRecordGet || r.Method == wire.MethodRecordSet || r.Method == wire.MethodRecordDrain {
		if _, ok := s.legacyName(r.Params); !ok {
			s.legacyRefuse(&s.out, r, legacyInvalidParams, r.Method+" needs the name of a record")
			return
		}
	}
	parse := s.server.historyMethods[r.Method]
	run := s.server.methods[r.Method]
	params := r.Params
	switch r.Method {
	case wire.MethodRecordGet:
		run, params = (*session).legacyGet, r.Params
	case wire.MethodRecordQuery:
		parse = (*session).legacyQuery
	}
	switch {
	case parse != nil && s.server.config.History == nil && needsHistory(r.Method):
		s.legacyRefuse(&s.out, r, legacyNotConfigured, "this database keeps no history")
	case parse != nil:
		r.ID = append(json.RawMessage(nil), r.ID...) // the frame is gone when the query ends
		r.Params = nil
		s.runQuery(r.Method, params, parse, func(w *wire.FrameWriter, result []byte, refused *refusal) { s.legacyAnswer(w, r, result, refused) })
	case run != nil:
		result, refused := run(s, params)
		s.legacyAnswer(&s.out, r, result, refused)
	default:
		s.legacyRefuse(&s.out, r, legacyMethodNotFound, fmt.Sprintf("there is no method %q", r.Method))
	}
}

// legacyName returns the member "record", which record.get had, or "name".
func (s *session) legacyName(params []byte) (string, bool) {
	if raw := s.decoder.Member(params, "record"); wire.IsString(raw) {
		return string(wire.Unquote(raw)), true
	}
	return s.nameOf(params)
}

// legacyGet is record.get with either name of the parameter.
func (s *session) legacyGet(params []byte) (json.RawMessage, *refusal) {
	name, _ := s.legacyName(params)
	return s.newest(name)
}

// legacyAnswer sends the one answer to a request.
func (s *session) legacyAnswer(w *wire.FrameWriter, r wire.LegacyRequest, result []byte, refused *refusal) {
	if refused != nil {
		s.legacyRefuse(w, r, legacyCode(r.Method, refused.code), refused.reason)
		return
	}
	frame := w.LegacyResult(r, result)
	if s.tooLong(frame) {
		frame = w.LegacyError(r, legacyInternal, s.tooLongReason(len(frame)))
	}
	s.send(frame)
}

func (s *session) legacyRefuse(w *wire.FrameWriter, r wire.LegacyRequest, code, reason string) {
	s.send(w.LegacyError(r, code, reason))
}

// legacyCode returns what the code of a refusal was called.
func legacyCode(method string, code aimx.Code) string {
	switch {
	case code == aimx.CodeNotFound:
		return legacyNotFound
	case code == aimx.CodeDenied:
		return legacyDenied
	case method == wire.MethodRecordQuery:
		return legacyQueryError
	case method == wire.MethodRecordSet:
		return legacyInvalidParams
	}
	return legacyInternal
}
