package gateway

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// method answers one kind of request. The result is JSON.
type method func(s *session, params []byte) (json.RawMessage, *refusal)

// methodTable has the methods that are answered in the order they come; those of
// the history are in questionTable.
func methodTable() map[string]method {
	return map[string]method{
		wire.MethodHello:         (*session).hello,
		wire.MethodRecordList:    (*session).list,
		wire.MethodRecordGet:     (*session).get,
		wire.MethodRecordSet:     (*session).set,
		wire.MethodGraphNodes:    (*session).graphNodes,
		wire.MethodGraphEdges:    (*session).graphEdges,
		wire.MethodGraphOrder:    (*session).graphOrder,
		wire.MethodRecordDrain:   (*session).drain,
		wire.MethodResetProfiles: (*session).resetProfiles,
		wire.MethodResetMetrics:  (*session).resetMetrics,
	}
}

// call answers a request.
func (s *session) call(f wire.Frame) {
	if ask := s.server.questions[f.Method]; ask != nil {
		s.consult(f, ask)
		return
	}
	run := s.server.methods[f.Method]
	if run == nil {
		s.answer(&s.out, f.ID, nil, refuse(aimx.CodeNotFound, "there is no method %q", f.Method))
		return
	}
	result, no := run(s, f.Params)
	s.answer(&s.out, f.ID, result, no)
}

// parameter returns one member of params, nil if it is not there.
func parameter(params []byte, name string) json.RawMessage {
	var found json.RawMessage
	if wire.IsNull(params) {
		return nil
	}
	wire.EachMember(params, func(member, value []byte) bool {
		if string(member) == name {
			found = value
		}
		return true
	})
	return found
}

// name returns the member "name" if it is a string.
func nameOf(params []byte) (string, bool) {
	raw := parameter(params, "name")
	if !wire.IsString(raw) {
		return "", false
	}
	return string(wire.Unquote(raw)), true
}

// exposed finds the record that a client may read under a name.
func (s *session) exposed(name string) (*records.Untyped, *refusal) {
	h, ok := s.server.config.Registry.Lookup(name)
	if !ok {
		return nil, refuse(aimx.CodeNotFound, "there is no record %q", name)
	}
	if !h.Config().Remote {
		return nil, refuse(aimx.CodeInternal, "record %q is not exposed; register it with Remote", name)
	}
	return h, nil
}

// writable reports whether clients may set a record: one that a stage of the
// graph produces has its only writer there.
func writable(h *records.Untyped) bool {
	c := h.Config()
	return c.Writable && c.Remote && h.Origin().Kind == "passive"
}

func anyWritable(handles []*records.Untyped) bool { return slices.ContainsFunc(handles, writable) }

func (s *session) hello(params []byte) (json.RawMessage, *refusal) {
	version := parameter(params, "version")
	if !wire.IsString(version) {
		return nil, refuse(aimx.CodeVersionMismatch, "hello needs a version; this server speaks %s", aimx.Version)
	}
	if major, _, _ := strings.Cut(string(wire.Unquote(version)), "."); major != "3" {
		return nil, refuse(aimx.CodeVersionMismatch, "this server speaks %s", aimx.Version)
	}
	welcome := aimx.Info{
		Version: aimx.Version, Server: s.server.config.Name,
		Permissions: []string{"read"}, WritableRecords: []string{},
		MaxSubscriptions: s.transport.subscriptions,
	}
	for _, h := range s.server.config.Registry.Records() {
		if writable(h) {
			welcome.WritableRecords = append(welcome.WritableRecords, h.Key())
		}
	}
	if len(welcome.WritableRecords) > 0 {
		welcome.Permissions = append(welcome.Permissions, "write")
	}
	return marshal(welcome)
}

func (s *session) get(params []byte) (json.RawMessage, *refusal) {
	name, ok := nameOf(params)
	if !ok {
		return nil, refuse(aimx.CodeNotFound, "record.get needs the name of a record")
	}
	h, no := s.exposed(name)
	if no != nil {
		return nil, no
	}
	value, _, ok, err := h.Get()
	if err != nil {
		return nil, refuse(aimx.CodeInternal, "%v", err)
	}
	if !ok {
		return nil, refuse(aimx.CodeNotFound, "record %q has no value yet", name)
	}
	return value, nil
}

func (s *session) set(params []byte) (json.RawMessage, *refusal) {
	name, ok := nameOf(params)
	value := parameter(params, "value")
	if !ok || value == nil {
		return nil, refuse(aimx.CodeInternal, "record.set needs the name of a record and a value")
	}
	h, no := s.store(name, value)
	if no != nil {
		return nil, no
	}
	result := wire.SetAnswer{Status: "success"}
	if h.Kind() != records.Ring {
		read, _, ok, err := h.Get()
		if err != nil {
			return nil, refuse(aimx.CodeInternal, "%v", err)
		}
		if ok { // else a mailbox was emptied already
			result.Value = slices.Clone(read)
		}
	}
	return marshal(result)
}

// store sets a record that the client may write.
func (s *session) store(name string, value json.RawMessage) (*records.Untyped, *refusal) {
	h, ok := s.server.config.Registry.Lookup(name)
	if !ok || !writable(h) {
		return nil, refuse(aimx.CodeDenied, "record %q is not writable from outside; hello names those that are", name)
	}
	if err := h.Set(value); err != nil {
		return nil, refuse(aimx.CodeInternal, "%v", err)
	}
	return h, nil
}

// write handles a frame that nobody gets an answer to.
func (s *session) write(f wire.Frame) {
	value := f.Payload
	if s.transport.unwrapsWrites && !wire.IsNull(value) {
		if inner := parameter(value, "value"); inner != nil {
			value = inner
		}
	}
	if value == nil {
		value = json.RawMessage("null")
	}
	if _, no := s.store(f.Topic, value); no != nil {
		s.refusedWrites++
		s.server.config.Logger.Debug("an AimX write was refused", "record", f.Topic, "code", string(no.code), "reason", no.reason)
	}
}

func marshal(v any) (json.RawMessage, *refusal) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, refuse(aimx.CodeInternal, "%v", err)
	}
	return b, nil
}
