package bus

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// loggedRecord is a record whose values are logged.
type loggedRecord struct {
	record *records.Untyped
	values *subjectLane
	losses *subjectLane // created with the first loss
	// lost counts values dropped since the last published one.
	lost uint64
	// lastNumber is the last log number in use, ackedNumber the last one that the
	// log has acknowledged, lastTime the time of the write of the last value.
	lastNumber  atomic.Uint64
	ackedNumber atomic.Uint64
	// offset is the last number that the log before this one has acknowledged, 0 unless
	// the log was deleted. Messages carry the number without it.
	offset   atomic.Uint64
	lastTime int64
}

// loggedRecords are those of a republisher, by the ID of the record. One that is not
// logged is nil.
type loggedRecords struct {
	mu   sync.Mutex
	byID []*loggedRecord
}

// all returns the list, which has every record whose values a feed has returned. An
// element that is nil may be set later.
func (l *loggedRecords) all() []*loggedRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID
}

// add returns false if the record is there already.
func (l *loggedRecords) add(s *loggedRecord) bool {
	id := s.record.ID()
	l.mu.Lock()
	defer l.mu.Unlock()
	if missing := id + 1 - len(l.byID); missing > 0 {
		l.byID = append(l.byID, make([]*loggedRecord, missing)...)
	}
	if l.byID[id] != nil {
		return false
	}
	l.byID[id] = s
	return true
}

// of returns the logged record of a record, nil if there is none.
func (l *loggedRecords) of(h *records.Untyped) *loggedRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.ID() < len(l.byID) {
		return l.byID[h.ID()]
	}
	return nil
}

// each calls fn for each record.
func (l *loggedRecords) each(fn func(*loggedRecord)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.byID {
		if s != nil {
			fn(s)
		}
	}
}

// include makes the republisher publish the values of a record, from the first on if
// it is Logged.
func (r *Republisher) include(h *records.Untyped) {
	if c := h.Config(); !c.Logged {
		if c.Remote {
			r.live.add(h)
		}
		return
	}
	s := &loggedRecord{
		record: h,
		values: newValueLane(h, r.bus.subjects.of(valueKind(h), h.Segments())),
	}
	l, left := r.bus.leftBehind[h.Key()]
	s.lost = l.Count // on the record's next message
	if !r.records.add(s) {
		return
	}
	if left {
		h.AddLoss(l)
	}
	r.feed.Add(h)
}

// appendValue appends the entry of a value, and one for a loss of values before it
// or of the value itself.
func (r *Republisher) appendValue(entries []entry, s *loggedRecord, v *records.Encoded) []entry {
	if v.Missed > 0 && s.record.Kind() == records.Ring {
		entries = append(entries, r.lossEntry(s, v, loss.Loss{
			Cause: loss.RingOverrun, Count: v.Missed, From: v.Number - v.Missed, To: v.Number - 1, FirstTime: s.lastTime,
		}))
	}
	one := loss.Loss{Count: 1, From: v.Number, To: v.Number, FirstTime: v.Time}
	switch {
	case v.Err != nil:
		one.Cause = loss.NotEncodable
		return append(entries, r.lossEntry(s, v, one))
	case len(v.JSON) > r.bus.config.MaxValue:
		one.Cause = loss.LogRefused
		r.refuse(s, v)
		return append(entries, r.lossEntry(s, v, one))
	}
	s.lastTime = v.Time
	e := entry{lane: s.values, time: v.Time, event: v.Event, timed: v.Timed, lost: s.lost, value: v.JSON, ringNumber: v.Number, logNumber: s.lastNumber.Add(1), record: s}
	s.lost = 0
	return append(entries, e)
}

// lossEntry returns the message by which all sinks learn of a loss.
func (r *Republisher) lossEntry(s *loggedRecord, v *records.Encoded, l loss.Loss) entry {
	l.Record, l.LastTime = s.record.Key(), v.Time
	s.lost += l.Count
	s.lastTime = v.Time
	value, err := json.Marshal(l)
	if err != nil { // a Loss holds strings and numbers
		panic(fmt.Sprintf("bus: encode a loss: %v", err))
	}
	if s.losses == nil {
		s.losses = newSubjectLane(l.Record, r.bus.subjects.of(lossKind, s.record.Segments()))
	}
	return entry{lane: s.losses, time: v.Time, value: value, ringNumber: l.To, logNumber: s.lastNumber.Add(l.Count), record: s}
}

// refuse counts a value that is too large and fails the producer that waits for it.
func (r *Republisher) refuse(s *loggedRecord, v *records.Encoded) {
	err := fmt.Errorf("bus: value %d of record %q has %d bytes; the log takes no more than %d", v.Number, s.record.Key(), len(v.JSON), r.bus.config.MaxValue)
	s.record.FailLogged(v.Number, v.Number, err)
	s.record.AddLoss(loss.Loss{
		Record: s.record.Key(), Cause: loss.LogRefused, Count: 1,
		From: v.Number, To: v.Number, FirstTime: v.Time, LastTime: v.Time,
	})
	if r.refused.Add(1) == 1 {
		r.bus.log.Warn("bus: a value is too large for the log; further ones are only counted", "error", err)
	}
}
