package gateway

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// recordList lists the records whose keys match the member "pattern", which is an
// addition to the protocol: all without one.
func (s *session) recordList(params []byte) (json.RawMessage, *refusal) {
	pattern := key.WirePattern("#")
	if raw := s.decoder.Member(params, "pattern"); !wire.IsNull(raw) {
		if !wire.IsString(raw) {
			return nil, refuse(aimx.CodeInternal, "the pattern %s is not a string; leave it out to list all records", raw)
		}
		pattern = key.WirePattern(string(wire.Unquote(raw)))
	}
	handles := s.candidates(pattern)
	rows := make([]aimx.RecordInfo, 0, len(handles))
	for _, h := range handles {
		if pattern.Match(h.Key()) {
			rows = append(rows, s.describe(h))
		}
	}
	return marshal(rows)
}

// candidates returns the records that a pattern can match: that with the key of a pattern
// without wildcards, all otherwise.
func (s *session) candidates(pattern key.Pattern) []*records.Untyped {
	exact, ok := pattern.Exact()
	if !ok {
		return s.listed()
	}
	h, ok := s.server.config.Registry.Lookup(exact)
	if !ok || !s.grants.Reads(h.Key()) {
		return nil
	}
	return []*records.Untyped{h}
}

func (s *session) describe(h *records.Untyped) aimx.RecordInfo {
	m, persisted, remote := h.Metrics(), h.Config().Logged, h.Config().Remote
	info := aimx.RecordInfo{
		ID: h.ID(), Key: h.Key(), Name: h.Key(),
		TypeID: h.TypeName(), SchemaType: h.Config().Schema, Entity: entity(h.Key()),
		Origin:     s.originOf(h.Origin()),
		BufferType: h.Kind().String(),
		Producers:  m.Producers, Consumers: m.Consumers,
		Writable: s.mayWrite(h),
		Produced: m.Produced + m.Restored, Consumed: m.Consumed, Dropped: m.Dropped,
		Occupancy: []int{occupied(h, m), m.Capacity},
		Persisted: &persisted, Remote: &remote, LastWrite: m.LastWrite, Lost: m.Lost, LostBy: m.LostBy, EventTime: h.EventTimed(), BadTimes: m.BadTimes,
	}
	if h.Kind() == records.Ring {
		capacity := h.Capacity()
		info.BufferCapacity = &capacity
	}
	info.InboundKeys = info.Origin.Inputs
	info.Losses, _ = h.Losses()
	for _, d := range m.Drops {
		info.Drops = append(info.Drops, aimx.Drop{Reader: d.Reader, Cause: d.Cause, Count: d.Count})
	}
	for _, st := range m.Stages {
		info.Stages = append(info.Stages, profileOf(st))
	}
	if g := m.Signal; g != nil && g.Count > 0 && h.Config().Remote { // they are values
		info.Signals = []aimx.SignalStats{{
			Signal: g.Signal, Unit: g.Unit, Count: g.Count,
			Last: g.Last, Min: g.Min, Max: g.Max, Mean: g.Mean,
		}}
	}
	return info
}

// occupied returns how many values are in the buffer. As in upstream, those of a ring
// are the ones that its slowest reader has not read: a full ring is about to lose some.
func occupied(h *records.Untyped, m records.Metrics) int {
	if h.Kind() == records.Ring {
		return m.Unread
	}
	return m.Items
}

// entity returns the part of a key after its last dot or slash.
func entity(name string) string { return name[strings.LastIndexAny(name, "./")+1:] }

func profileOf(m records.StageMetrics) aimx.StageProfile {
	p := aimx.StageProfile{
		Type: m.Type, Index: m.Index, Name: m.Name, Calls: m.Calls,
		Total: m.Total.Nanoseconds(), Min: m.Min.Nanoseconds(), Max: m.Max.Nanoseconds(),
	}
	if m.Calls > 0 {
		p.Mean = p.Total / int64(m.Calls)
	}
	return p
}

// originOf returns an origin without the inputs that the client may not see. Of a
// record without another input it sees that something produces it.
func (s *session) originOf(o records.Origin) aimx.Origin {
	if s.grants.Everything() || len(o.Inputs) == 0 {
		return aimx.Origin{Kind: o.Kind, Inputs: o.Inputs}
	}
	inputs := slices.DeleteFunc(slices.Clone(o.Inputs), func(key string) bool { return !s.grants.Reads(key) })
	if len(inputs) == 0 {
		return aimx.Origin{Kind: "source"}
	}
	return aimx.Origin{Kind: o.Kind, Inputs: inputs}
}
