package gateway

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// method answers one kind of request and returns JSON.
type method func(s *session, params []byte) (json.RawMessage, *refusal)

// methods are those that are answered in the order in which they come; the
// others are historyMethods.
func methods() map[string]method {
	return map[string]method{
		wire.MethodHello:         (*session).hello,
		wire.MethodRecordList:    (*session).recordList,
		wire.MethodRecordGet:     (*session).recordGet,
		wire.MethodRecordSet:     (*session).recordSet,
		wire.MethodRecordCheck:   (*session).recordCheck,
		wire.MethodGraphNodes:    (*session).graphNodes,
		wire.MethodGraphEdges:    (*session).graphEdges,
		wire.MethodGraphOrder:    (*session).graphOrder,
		wire.MethodRecordDrain:   (*session).recordDrain,
		wire.MethodResetProfiles: (*session).resetProfiles,
		wire.MethodResetMetrics:  (*session).resetMetrics,
		wire.MethodSinkList:      (*session).sinkList,
		wire.MethodIngestRefused: (*session).ingestRefused,
	}
}

// call answers a request.
func (s *session) call(f wire.Frame) {
	if parse := s.server.historyMethods[f.Method]; parse != nil {
		s.runQuery(f.Method, f.Params, parse, func(w *wire.FrameWriter, result []byte, refused *refusal) { s.answer(w, f.ID, result, refused) })
		return
	}
	if f.Method == wire.MethodRecordSet && s.asksForLog(f.Params) {
		s.setLogged(f)
		return
	}
	run := s.server.methods[f.Method]
	if run == nil {
		s.answer(&s.out, f.ID, nil, refuse(aimx.CodeNotFound, "there is no method %q", f.Method))
		return
	}
	result, refused := run(s, f.Params)
	s.answer(&s.out, f.ID, result, refused)
}

// nameOf returns the member "name" if it is a string.
func (s *session) nameOf(params []byte) (string, bool) {
	raw := s.decoder.Member(params, "name")
	if !wire.IsString(raw) {
		return "", false
	}
	return string(wire.Unquote(raw)), true
}

func (s *session) hello(params []byte) (json.RawMessage, *refusal) {
	version := s.decoder.Member(params, "version")
	if !wire.IsString(version) {
		return nil, refuse(aimx.CodeVersionMismatch, "hello needs a version; this server speaks %s", aimx.Version)
	}
	if major, _, _ := strings.Cut(string(wire.Unquote(version)), "."); major != "3" {
		return nil, refuse(aimx.CodeVersionMismatch, "this server speaks %s", aimx.Version)
	}
	if refused := s.authenticate(params); refused != nil {
		return nil, refused
	}
	s.limitFrames(params)
	return s.welcome(aimx.Version)
}

// welcome is the answer to a hello of a client that is admitted.
func (s *session) welcome(version string) (json.RawMessage, *refusal) {
	welcome := aimx.Info{
		Version: version, Server: s.server.config.Name,
		Permissions: []string{"read"}, WritableRecords: []string{},
		MaxSubscriptions: s.transport.subscriptions,
		Authenticated:    s.asksForToken && s.admitted && !s.grants.Everything(),
	}
	room, writes := s.answerBytes(), s.server.config.Ingest.MayCreate(s.grants)
	for _, h := range s.server.config.Registry.Records() {
		if !s.mayWrite(h) {
			continue
		}
		writes = true
		if room -= len(h.Key()) + len(`"",`); room < 0 {
			break // a client that is refused its hello can do nothing at all
		}
		welcome.WritableRecords = append(welcome.WritableRecords, h.Key())
	}
	if writes {
		welcome.Permissions = append(welcome.Permissions, "write")
	}
	return marshal(welcome)
}

// recordGet returns the newest value. In a ring it takes what is unread, as in upstream:
// the next drain over this connection returns what comes after it.
func (s *session) recordGet(params []byte) (json.RawMessage, *refusal) {
	name, ok := s.nameOf(params)
	if !ok {
		return nil, refuse(aimx.CodeNotFound, "record.get needs the name of a record")
	}
	return s.newest(name)
}

func (s *session) newest(name string) (json.RawMessage, *refusal) {
	h, refused := s.readable(name)
	if refused != nil {
		return nil, refused
	}
	if h.Kind() == records.Ring && s.conn != nil { // a call alone has no next drain
		s.cursor(h).skip()
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

func (s *session) recordSet(params []byte) (json.RawMessage, *refusal) {
	if s.asksForLog(params) {
		pending, refused := s.beginLogged(params)
		if refused != nil {
			return nil, refused
		}
		return s.awaitLog(pending)
	}
	name, value, refused := s.setParams(params)
	if refused != nil {
		return nil, refused
	}
	h, err := s.server.ingest.Set(s.grants, name, value)
	if err != nil {
		return nil, refuseSet(err)
	}
	result := wire.SetAnswer{Status: "success"}
	if h.Kind() != records.Ring && s.mayRead(h) {
		read, _, ok, err := h.Get()
		if err != nil {
			return nil, refuse(aimx.CodeInternal, "%v", err)
		}
		if ok { // a reader may have emptied a mailbox already
			result.Value = slices.Clone(read)
		}
	}
	return marshal(result)
}

// recordCheck answers whether record.set would succeed, and sets nothing. It is a method
// of its own because a server that does not know it must refuse it: one that ignored a
// parameter of record.set would set the value.
func (s *session) recordCheck(params []byte) (json.RawMessage, *refusal) {
	name, ok := s.nameOf(params)
	value := s.decoder.Member(params, "value")
	if !ok || value == nil {
		return nil, refuse(aimx.CodeInternal, "record.check needs the name of a record and a value")
	}
	if _, err := s.server.ingest.Check(s.grants, name, value); err != nil {
		return nil, refuseSet(err)
	}
	return marshal(wire.SetAnswer{Status: "valid"})
}

// refuseReadOnly refuses what a server that only reads cannot do with a record.
func (s *session) refuseReadOnly(doing, name string) *refusal {
	if reason := s.server.config.ReadOnly; reason != "" {
		return refuse(aimx.CodeDenied, "cannot %s record %q: %s", doing, name, reason)
	}
	return nil
}

// refuseSet answers an error of package ingest.
func refuseSet(err error) *refusal {
	var r *ingest.Refusal
	code := aimx.CodeInternal
	if errors.As(err, &r) && r.Cause.Forbids() {
		code = aimx.CodeDenied
	}
	return refuse(code, "%v", err)
}

// write handles a write frame, which has no answer.
func (s *session) write(f wire.Frame) {
	value := f.Payload
	if s.transport.unwrapsWrites {
		if inner := s.decoder.Member(value, "value"); inner != nil {
			value = inner
		}
	}
	if value == nil {
		value = json.RawMessage("null")
	}
	if _, err := s.server.ingest.Set(s.grants, f.Topic, value); err != nil {
		refused := refuseSet(err)
		s.refusedWrites++
		s.server.config.Logger.Debug("an AimX write was refused", "record", f.Topic, "code", string(refused.code), "reason", refused.reason)
	}
}

func marshal(v any) (json.RawMessage, *refusal) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, refuse(aimx.CodeInternal, "%v", err)
	}
	return b, nil
}
