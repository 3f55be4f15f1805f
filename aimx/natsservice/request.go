package natsservice

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
)

// parse returns the call that a request asks for. What the call may reach is what the
// subject of the request names.
func (s *Service) parse(m rpc.Method, subject string, body []byte) (gateway.Call, *failure) {
	call := gateway.Call{Method: m.Name, Grants: access.NewGrants(nil, s.config.Writes)}
	tokens := strings.TrimPrefix(strings.TrimPrefix(subject, rpc.Prefix(s.config.Database)+m.Subject()), ".")
	of, err := rpc.Parse(tokens)
	if err != nil {
		return call, failed(aimx.CodeInternal, "the subject %s: %v", subject, err)
	}
	call.Grants = access.NewGrants([]key.Pattern{of}, s.config.Writes)
	name, exact := of.Exact()
	switch {
	case m.Target == rpc.Key && !exact:
		return call, failed(aimx.CodeInternal, "the subject %s: it names the key of one record, without wildcards", subject)
	case m.Name == wire.MethodRecordSet && asksForLog(body):
		return call, failed(aimx.CodeInternal, "a set over the NATS service is not answered when the log has the value; publish the value to %s%s instead", rpc.SetPrefix(s.config.Database), tokens)
	case m.Name == wire.MethodRecordSet:
		granted := slices.ContainsFunc(s.config.Writes, func(p key.Pattern) bool { return p.Grants(name) })
		if !granted {
			return call, failed(aimx.CodeDenied, "the NATS service of database %s does not set record %q; name it in ServiceWrites, or use another endpoint", s.config.Database, name)
		}
		// Who may set a record may not necessarily read it.
		call.Grants = access.NewGrants(nil, []key.Pattern{of})
	}
	var wrong *failure
	call.Params, wrong = params(m, of.String(), body)
	return call, wrong
}

// asksForLog reports whether a set wants an answer when the log has the value, for which
// the other sets would wait.
func asksForLog(body []byte) bool {
	var params struct{ Logged bool }
	return json.Unmarshal(body, &params) == nil && params.Logged
}

// params returns the parameters of AimX: those in the body, and the name in the subject.
func params(m rpc.Method, name string, body []byte) ([]byte, *failure) {
	members := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(body)) > 0 {
		if err := json.Unmarshal(body, &members); err != nil || members == nil {
			return nil, failed(aimx.CodeInternal, "the body of a request is a JSON object with the parameters of %s, or empty", m.Name)
		}
	}
	for member := range members {
		if strings.EqualFold(member, "name") || strings.EqualFold(member, "pattern") {
			return nil, failed(aimx.CodeInternal, "the record or pattern is in the subject of a request; leave %q out of its body", member)
		}
	}
	set := func(member, text string) {
		quoted, err := json.Marshal(text)
		if err == nil { // a string can always be encoded
			members[member] = quoted
		}
	}
	if m.Param != "" {
		set(m.Param, name)
	}
	if _, given := members["version"]; m.Name == wire.MethodHello && !given {
		set("version", aimx.Version)
	}
	if len(members) == 0 {
		return nil, nil
	}
	merged, err := json.Marshal(members)
	if err != nil {
		return nil, failed(aimx.CodeInternal, "the parameters of %s: %v", m.Name, err)
	}
	return merged, nil
}
