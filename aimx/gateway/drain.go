package gateway

import (
	"encoding/json"
	"strconv"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// drain takes what came since the connection's last drain of a record. The
// cursor begins with the first one, at the end of a ring.
func (s *session) drain(params []byte) (json.RawMessage, *refusal) {
	name, ok := nameOf(params)
	if !ok {
		return nil, refuse(aimx.CodeInternal, "record.drain needs the name of a record")
	}
	h, no := s.exposed(name)
	if no != nil {
		return nil, no
	}
	cursor := s.cursors[h]
	if cursor == nil {
		cursor = h.Subscribe(readerName)
		s.cursors[h] = cursor
	}
	result := wire.DrainAnswer{Name: name, Values: s.take(cursor, drainLimit(h, params))}
	result.Count = len(result.Values)
	return marshal(result)
}

// drainLimit is the number of values to take: never more than a record keeps,
// or a fast producer would keep the connection from all else.
func drainLimit(h *records.Untyped, params []byte) uint64 {
	kept := uint64(h.Capacity())
	if limit, err := strconv.ParseUint(string(parameter(params, "limit")), 10, 64); err == nil {
		return min(limit, kept)
	}
	return kept
}

// take leaves for the next call what would make the answer too long. Values
// that cannot be encoded are counted and logged by their record.
func (s *session) take(cursor *records.EncodedReader, limit uint64) []json.RawMessage {
	values := []json.RawMessage{}
	size := 0
	for range limit {
		value, ok := cursor.TryReceive()
		if !ok {
			break
		}
		if value.Err != nil {
			continue
		}
		values = append(values, value.JSON)
		if size += len(value.JSON); size > s.server.config.Limits.QueryBytes {
			break
		}
	}
	return values
}

// resetProfiles and resetMetrics start the counters of all records anew.
func (s *session) resetProfiles([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetProfiles)
}

func (s *session) resetMetrics([]byte) (json.RawMessage, *refusal) {
	return s.reset((*records.Untyped).ResetMetrics)
}

func (s *session) reset(one func(*records.Untyped)) (json.RawMessage, *refusal) {
	handles := s.server.config.Registry.Records()
	if !anyWritable(handles) {
		return nil, refuse(aimx.CodeDenied, "this database is read-only: it has no writable record")
	}
	for _, h := range handles {
		one(h)
	}
	return json.RawMessage(`{"reset":true}`), nil
}
