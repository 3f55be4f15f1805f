package gateway

import (
	"encoding/json"
	"strconv"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// recordDrain returns the values since the last drain of the record over this
// connection. The first drain creates the cursor, at the end of a ring, unless a get
// has.
func (s *session) recordDrain(params []byte) (json.RawMessage, *refusal) {
	name, ok := s.nameOf(params)
	if !ok {
		return nil, refuse(aimx.CodeInternal, "record.drain needs the name of a record")
	}
	h, refused := s.readable(name)
	if refused != nil {
		return nil, refused
	}
	if refused := s.refuseReadOnly("drain", name); refused != nil {
		return nil, refused
	}
	result := wire.DrainAnswer{Name: name, Values: s.take(s.cursor(h), s.drainLimit(h, params))}
	result.Count = len(result.Values)
	return marshal(result)
}

// cursor returns the cursor of record.drain in a record.
func (s *session) cursor(h *records.Untyped) *records.EncodedReader {
	cursor := s.cursors[h]
	if cursor == nil {
		cursor = h.SubscribeOnDemand(readerName)
		s.cursors[h] = cursor
	}
	return cursor
}

// drainLimit returns the number of values to take. It is at most what a record
// keeps: otherwise a fast producer could keep the connection busy forever.
func (s *session) drainLimit(h *records.Untyped, params []byte) uint64 {
	kept := uint64(h.Capacity())
	if limit, err := strconv.ParseUint(string(s.decoder.Member(params, "limit")), 10, 64); err == nil {
		return min(limit, kept)
	}
	return kept
}

// take stops before the answer gets too long; the next call returns the rest. The
// record counts and logs values that cannot be encoded.
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
