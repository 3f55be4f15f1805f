package gateway

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/aimx"
)

// sinkList answers sink.list. A database without sinks has an empty list.
func (s *session) sinkList([]byte) (json.RawMessage, *refusal) {
	sinks := []aimx.SinkInfo{}
	if list := s.server.config.Sinks; list != nil {
		sinks = append(sinks, list()...)
	}
	return marshal(sinks)
}
