package aimx

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/records"
)

// method answers one kind of request. The result is JSON.
type method func(s *session, params []byte) (json.RawMessage, *refusal)

// methodTable has the methods that are answered in the order they come; those of
// the history are in questionTable.
func methodTable() map[string]method {
	return map[string]method{
		"hello":                (*session).hello,
		"record.list":          (*session).list,
		"record.get":           (*session).get,
		"record.set":           (*session).set,
		"graph.nodes":          (*session).graphNodes,
		"graph.edges":          (*session).graphEdges,
		"graph.topo_order":     (*session).graphOrder,
		"record.drain":         (*session).drain,
		"profiling.reset":      (*session).resetProfiles,
		"buffer_metrics.reset": (*session).resetMetrics,
	}
}

// call answers a request.
func (s *session) call(f frame) {
	if ask := s.server.questions[f.method]; ask != nil {
		s.consult(f, ask)
		return
	}
	run := s.server.methods[f.method]
	if run == nil {
		s.answer(&s.out, f.id, nil, refuse(CodeNotFound, "there is no method %q", f.method))
		return
	}
	result, no := run(s, f.params)
	s.answer(&s.out, f.id, result, no)
}

// parameter returns one member of params, nil if it is not there.
func parameter(params []byte, name string) json.RawMessage {
	var found json.RawMessage
	if isNull(params) {
		return nil
	}
	eachMember(params, func(member, value []byte) bool {
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
	if !isText(raw) {
		return "", false
	}
	return string(text(raw)), true
}

// exposed finds the record that a client may read under a name.
func (s *session) exposed(name string) (*records.Untyped, *refusal) {
	h, ok := s.server.config.Registry.Lookup(name)
	if !ok {
		return nil, refuse(CodeNotFound, "there is no record %q", name)
	}
	if !h.Config().Remote {
		return nil, refuse(CodeInternal, "record %q is not exposed; register it with Remote", name)
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
	if !isText(version) {
		return nil, refuse(CodeVersionMismatch, "hello needs a version; this server speaks %s", Version)
	}
	if major, _, _ := strings.Cut(string(text(version)), "."); major != "3" {
		return nil, refuse(CodeVersionMismatch, "this server speaks %s", Version)
	}
	welcome := Info{
		Version: Version, Server: s.server.config.Name,
		Permissions: []string{"read"}, WritableRecords: []string{},
		MaxSubscriptions: s.dialect.subscriptions,
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
		return nil, refuse(CodeNotFound, "record.get needs the name of a record")
	}
	h, no := s.exposed(name)
	if no != nil {
		return nil, no
	}
	value, _, ok, err := h.Get()
	if err != nil {
		return nil, refuse(CodeInternal, "%v", err)
	}
	if !ok {
		return nil, refuse(CodeNotFound, "record %q has no value yet", name)
	}
	return value, nil
}

// setResult is the answer to record.set.
type setResult struct {
	Status string          `json:"status"`
	Value  json.RawMessage `json:"value,omitempty"`
}

func (s *session) set(params []byte) (json.RawMessage, *refusal) {
	name, ok := nameOf(params)
	value := parameter(params, "value")
	if !ok || value == nil {
		return nil, refuse(CodeInternal, "record.set needs the name of a record and a value")
	}
	h, no := s.store(name, value)
	if no != nil {
		return nil, no
	}
	result := setResult{Status: "success"}
	if h.Kind() != records.Ring {
		read, _, ok, err := h.Get()
		if err != nil {
			return nil, refuse(CodeInternal, "%v", err)
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
		return nil, refuse(CodeDenied, "record %q is not writable from outside; hello names those that are", name)
	}
	if err := h.Set(value); err != nil {
		return nil, refuse(CodeInternal, "%v", err)
	}
	return h, nil
}

// write handles a frame that nobody gets an answer to.
func (s *session) write(f frame) {
	value := f.payload
	if s.dialect.unwrapsWrites && !isNull(value) {
		if inner := parameter(value, "value"); inner != nil {
			value = inner
		}
	}
	if value == nil {
		value = json.RawMessage("null")
	}
	if _, no := s.store(f.topic, value); no != nil {
		s.refusedWrites++
		s.server.config.Logger.Debug("an AimX write was refused", "record", f.topic, "code", string(no.code), "reason", no.reason)
	}
}

func marshal(v any) (json.RawMessage, *refusal) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, refuse(CodeInternal, "%v", err)
	}
	return b, nil
}
