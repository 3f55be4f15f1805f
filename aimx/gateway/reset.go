package gateway

import (
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/records"
)

// resetProfiles sets the profiles of all stages to zero.
func (s *session) resetProfiles([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetProfiles)
}

// resetMetrics sets the counters of all records to zero.
func (s *session) resetMetrics([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetMetrics)
}

func (s *session) reset(one func(*records.Untyped)) (json.RawMessage, *refusal) {
	handles := s.server.config.Registry.Records()
	if !slices.ContainsFunc(handles, s.server.writable) {
		return nil, refuse(aimx.CodeDenied, "this database is read-only: it has no writable record")
	}
	for _, h := range handles {
		one(h)
	}
	return json.RawMessage(`{"reset":true}`), nil
}
