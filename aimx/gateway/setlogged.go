package gateway

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/ingest"
)

// This file answers record.set with logged: when the log has the value.

// mostUnlogged bounds the sets of a connection that wait for the log.
const mostUnlogged = 1024

// loggedSet is a set whose answer waits for the log.
type loggedSet struct {
	id      uint64
	pending ingest.Pending
	refused *refusal
}

// asksForLog reports whether a set is to be answered when the log has the value.
func (s *session) asksForLog(params []byte) bool {
	return string(s.decoder.Member(params, "logged")) == "true"
}

// setLogged sets a record, and waits for space in it but not for the log. The answers come
// in the order of the requests.
func (s *session) setLogged(f wire.Frame) {
	set := loggedSet{id: f.ID}
	set.pending, set.refused = s.beginLogged(f.Params)
	if s.logging == nil {
		s.logging = make(chan loggedSet, mostUnlogged)
		s.work.Go(s.answerLogged)
	}
	select {
	case s.logging <- set:
	case <-s.ctx.Done():
	}
}

func (s *session) beginLogged(params []byte) (ingest.Pending, *refusal) {
	name, value, refused := s.setParams(params)
	if refused != nil {
		return ingest.Pending{}, refused
	}
	pending, err := s.server.ingest.SetLogged(s.ctx, s.grants, name, value)
	if err != nil {
		return pending, refuseSet(err)
	}
	return pending, nil
}

// answerLogged answers what setLogged has begun, until the connection ends.
func (s *session) answerLogged() {
	var out wire.FrameWriter
	for set := range s.logging {
		var result json.RawMessage
		if set.refused == nil {
			result, set.refused = s.awaitLog(set.pending)
		}
		s.answer(&out, set.id, result, set.refused)
	}
}

func (s *session) awaitLog(p ingest.Pending) (json.RawMessage, *refusal) {
	if err := p.Wait(s.ctx); err != nil {
		return nil, refuseSet(err)
	}
	logged := p.Logged()
	return marshal(wire.SetAnswer{Status: "success", Logged: &logged})
}

// setParams returns the parameters of record.set and record.check.
func (s *session) setParams(params []byte) (name string, value json.RawMessage, refused *refusal) {
	name, ok := s.nameOf(params)
	value = s.decoder.Member(params, "value")
	if !ok || value == nil {
		return "", nil, refuse(aimx.CodeInternal, "record.set needs the name of a record and a value")
	}
	return name, value, nil
}
