package gateway

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/aimx"
)

// ingestRefused answers ingest.refused.
func (s *session) ingestRefused([]byte) (json.RawMessage, *refusal) {
	counts := s.server.ingest.Counts()
	answer := aimx.Refusals{Accepted: counts.Accepted, Refused: counts.Refused, Last: []aimx.RefusedValue{}}
	if answer.Refused == nil {
		answer.Refused = map[string]uint64{}
	}
	for _, r := range s.server.ingest.Recent() {
		if s.grants.Reads(r.Record) {
			answer.Last = append(answer.Last, aimx.RefusedValue{
				Time: r.Time.UnixMilli(), Via: r.Via, Record: r.Record, Cause: r.Cause.String(), Path: r.Path, Reason: r.Reason,
			})
		}
	}
	return marshal(answer)
}
