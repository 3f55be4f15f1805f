package rpc

import (
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Target is what follows the method in a subject.
type Target int

// The targets.
const (
	Nothing Target = iota
	Key
	Pattern // or nothing, for every record
)

// Method is one method of the service.
type Method struct {
	// Name is that of AimX, Param the parameter that the key or the pattern in the
	// subject is, empty if there is none.
	Name   string
	Target Target
	Param  string
	// Slow says that it reads the history.
	Slow bool
}

// MethodLive is the only method that is not of AimX: its answer comes when live values
// are published to all who subscribed before the request.
const MethodLive = "live"

// Methods returns the methods of the service.
func Methods() []Method {
	return []Method{
		{Name: wire.MethodHello},
		{Name: MethodLive},
		{Name: wire.MethodSinkList},
		{Name: wire.MethodRecordGet, Target: Key, Param: "name"},
		{Name: wire.MethodRecordSet, Target: Key, Param: "name"},
		{Name: wire.MethodRecordList, Target: Pattern, Param: "pattern"},
		{Name: wire.MethodGraphNodes, Target: Pattern},
		{Name: wire.MethodGraphEdges, Target: Pattern},
		{Name: wire.MethodGraphOrder, Target: Pattern},
		{Name: wire.MethodRecordQuery, Target: Pattern, Param: "name", Slow: true},
		{Name: wire.MethodHistoryPage, Target: Pattern, Param: "pattern", Slow: true},
		{Name: wire.MethodHistoryBuckets, Target: Pattern, Param: "pattern", Slow: true},
		{Name: wire.MethodHistoryStats, Target: Pattern, Slow: true},
		{Name: wire.MethodHistoryVerify, Target: Pattern, Slow: true},
	}
}

// Subject returns the part of the subject that stands for the method.
func (m Method) Subject() string { return strings.TrimPrefix(m.Name, "record.") }

// Code returns the code of an error in the header Nats-Service-Error-Code.
func Code(c aimx.Code) string {
	switch c {
	case aimx.CodeNotFound:
		return "404"
	case aimx.CodeDenied:
		return "403"
	case aimx.CodeVersionMismatch:
		return "505"
	}
	return "500"
}

// Busy is the code of a request that the service has no room for now.
const Busy = "503"

// CodeOf returns what a code in the header means.
func CodeOf(code string) aimx.Code {
	for _, c := range []aimx.Code{aimx.CodeNotFound, aimx.CodeDenied, aimx.CodeVersionMismatch} {
		if Code(c) == code {
			return c
		}
	}
	return aimx.CodeInternal
}
