package bus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go/jetstream"
)

// subjectLane holds what all messages of one record share.
type subjectLane struct {
	subject string
	// header holds the header lines that are the same in each message, up to the
	// value of the last one.
	header []byte
}

func newSubjectLane(key, subject string) *subjectLane {
	return &subjectLane{subject: subject, header: []byte(KeyHeader + ": " + key + "\r\n" + TimeHeader + ": ")}
}

// newValueLane returns the lane of the values of a record.
func newValueLane(h *records.Untyped, subject string) *subjectLane {
	lane := newSubjectLane(h.Key(), subject)
	if n := h.Shape(); n > 0 {
		lane.header = fmt.Appendf(nil, "%s: %d\r\n%s", ShapeHeader, n, lane.header)
	}
	return lane
}

// entry is one message on its way into the log or to live subscribers.
type entry struct {
	lane *subjectLane
	time int64
	lost uint64
	// event is the own time of the value if timed says that the record has such times.
	event int64
	timed bool
	value []byte
	// ringNumber is the number of the value in its record. logNumber is its number
	// among the values that were to be logged, which does not count values that a
	// mailbox replaced.
	ringNumber, logNumber uint64
	record                *loggedRecord
	// before is the sequence that the entry would have had, or had, in the log before
	// this one, which was deleted.
	before uint64
}

// number returns the number of the entry within the run in this log.
func (e *entry) number() uint64 {
	if e.record == nil {
		return e.logNumber
	}
	return e.logNumber - e.record.offset.Load()
}

func (e *entry) size() int { return len(e.value) + len(e.lane.subject) + len(e.lane.header) + 96 }

// headers appends the header lines of the entry. Live values have no log number
// and ignore run.
func (e *entry) headers(b []byte, run uint64) []byte {
	b = append(b, e.lane.header...)
	b = strconv.AppendInt(b, e.time, 10)
	b = append(b, "\r\n"...)
	if e.logNumber > 0 {
		b = append(b, NumberHeader+": "...)
		b = strconv.AppendUint(b, run, 10)
		b = append(b, '.')
		b = strconv.AppendUint(b, e.number(), 10)
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(len(e.value)), 10)
		b = append(b, "\r\n"...)
	}
	if e.timed {
		b = append(b, EventHeader+": "...)
		b = strconv.AppendInt(b, e.event, 10)
		b = append(b, "\r\n"...)
	}
	if e.before > 0 {
		b = append(b, beforeHeader+": "...)
		b = strconv.AppendUint(b, e.before, 10)
		b = append(b, "\r\n"...)
	}
	if e.lost > 0 {
		b = append(b, LostHeader+": "...)
		b = strconv.AppendUint(b, e.lost, 10)
		b = append(b, "\r\n"...)
	}
	return b
}

// batch is a list of entries that is sent together and gets one answer.
type batch struct {
	id      uint64
	entries []entry
	// base is the last sequence of the log before the batch.
	base   uint64
	answer chan answer
	// began is when it was given to the connection.
	began time.Time
}

func (b *batch) last() uint64 { return b.base + uint64(len(b.entries)) }

// deliver hands the first answer to the goroutine that awaits it. Further ones are dropped: the
// stream refuses each remaining message of a batch that has failed.
func (b *batch) deliver(a answer) {
	select {
	case b.answer <- a:
	default:
	}
}

// validate turns an answer for a part of the batch into an error: fast ingest may
// commit a batch early, and answers with the sequence where it did.
func (b *batch) validate(a answer) answer {
	if len(b.entries) > 0 && a.err() == nil && a.Sequence != b.last() {
		a.failed = fmt.Errorf("bus: the log committed a batch up to sequence %d instead of %d", a.Sequence, b.last())
	}
	return a
}

// answer is the stream's answer to a batch.
type answer struct {
	Sequence uint64              `json:"seq"`
	Error    *jetstream.APIError `json:"error"`
	Type     string              `json:"type"`
	// failed is an error of this process, such as a timeout.
	failed error
}

func (a answer) err() error {
	if a.failed != nil {
		return a.failed
	}
	if a.Error != nil {
		return fmt.Errorf("bus: the log refused a batch: %w", a.Error)
	}
	return nil
}

// parseAnswer returns false for the flow control messages of fast ingest, which do
// not end a batch.
func parseAnswer(data []byte) (answer, bool) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil || a.Type == "ack" || a.Type == "gap" {
		return a, false
	}
	return a, a.Sequence > 0 || a.Error != nil
}
