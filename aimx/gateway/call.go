package gateway

import (
	"context"
	"encoding/json"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Call is one request to Server.Call.
type Call struct {
	// Method is a method of the protocol, but record.drain, which needs a connection.
	Method string
	// Params are its parameters as JSON, nil for none.
	Params []byte
	// Grants are what the caller may do. Nil allows everything.
	Grants *access.Grants
	// AnswerBytes bounds the answer; 0 is no bound. Pages end before it, and a longer
	// answer is refused.
	AnswerBytes int
}

// Call runs one method for a caller that reached the process by another way than a
// listener of the server. Records that are registered without Remote are as closed as
// to any other client. The error is a [*aimx.Refusal] with the name of the database as
// its endpoint. Calls may run at the same time: the caller bounds their number, and
// Limits.QueryTimeout and Limits.VerifyTimeout their time. Close ends them.
func (s *Server) Call(ctx context.Context, c Call) (json.RawMessage, error) {
	session := newSession(ctx, s, nil, callTransport())
	session.grants = c.Grants
	session.frameBytes.Store(int64(c.AnswerBytes))
	var result json.RawMessage
	refused := closedRefusal()
	if s.add(session) {
		result, refused = session.runCall(c)
		s.remove(session)
	}
	session.end(nil)
	switch {
	case refused != nil:
	case wire.IsNull(result):
		refused = refuse(aimx.CodeNotFound, "the value is null")
	case session.tooLong(result):
		refused = refuse(aimx.CodeInternal, "the answer has %d bytes and this client takes %d; ask for less, or for pages with a cursor", len(result), c.AnswerBytes)
	}
	if refused != nil {
		return nil, s.refusalOf(c.Method, refused)
	}
	return result, nil
}

// runCall runs the method to its end.
func (s *session) runCall(c Call) (json.RawMessage, *refusal) {
	if parse := s.server.historyMethods[c.Method]; parse != nil {
		if s.server.config.History == nil && needsHistory(c.Method) {
			return nil, refuse(s.transport.noHistory, "this database keeps no history")
		}
		query, refused := parse(s, c.Params)
		if refused != nil {
			return nil, refused
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.server.config.Limits.timeout(c.Method))
		defer cancel()
		return query(ctx)
	}
	run := s.server.methods[c.Method]
	switch {
	case c.Method == wire.MethodRecordDrain:
		return nil, refuse(aimx.CodeNotFound, "record.drain needs a connection, since it returns what came after the last drain over it")
	case run == nil:
		return nil, refuse(aimx.CodeNotFound, "there is no method %q", c.Method)
	}
	return run(s, c.Params)
}
