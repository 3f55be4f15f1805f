package gateway

import (
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/records"
)

// resetProfiles sets the profiles of all stages of the granted records to zero.
func (s *session) resetProfiles([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetProfiles)
}

// resetMetrics sets the counters of the granted records to zero.
func (s *session) resetMetrics([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetMetrics)
}

func (s *session) reset(one func(*records.Untyped)) (json.RawMessage, *refusal) {
	handles := s.server.config.Registry.Records()
	if !slices.ContainsFunc(handles, s.mayWrite) {
		return nil, refuse(aimx.CodeDenied, "there is no record that this connection may set, so it may reset nothing")
	}
	for _, h := range handles {
		if s.grants.Writes(h.Key()) {
			one(h)
		}
	}
	return json.RawMessage(`{"reset":true}`), nil
}
