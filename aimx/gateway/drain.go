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

// drainCursor is the cursor of record.drain in a record.
type drainCursor struct {
	*records.EncodedReader
	// held did not fit into the last answer; nil if there is none.
	held json.RawMessage
}

// skip takes all that is unread.
func (c *drainCursor) skip() {
	c.held = nil
	c.Skip()
}

// next returns the next value. The record counts and logs values that cannot be
// encoded, which are nil.
func (c *drainCursor) next() (value json.RawMessage, ok bool) {
	if value, c.held = c.held, nil; value != nil {
		return value, true
	}
	encoded, ok := c.TryReceive()
	return encoded.JSON, ok
}

// cursor returns the cursor of record.drain in a record.
func (s *session) cursor(h *records.Untyped) *drainCursor {
	cursor := s.cursors[h]
	if cursor == nil {
		cursor = &drainCursor{EncodedReader: h.SubscribeOnDemand(readerName)}
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

// take stops before the answer gets too long; the next call returns the rest.
func (s *session) take(cursor *drainCursor, limit uint64) []json.RawMessage {
	values := []json.RawMessage{}
	most := min(s.server.config.Limits.QueryBytes, s.answerBytes())
	size := 0
	for range limit {
		value, ok := cursor.next()
		if !ok {
			break
		}
		if value == nil {
			continue
		}
		if size += len(value) + 1; size > most && len(values) > 0 {
			cursor.held = value
			break
		}
		values = append(values, value)
	}
	return values
}
