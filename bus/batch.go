package bus

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// lane is what every message of one record shares.
type subjectLane struct {
	subject string
	// header is the part of the headers that never changes.
	header []byte
}

func newSubjectLane(key, subject string) *subjectLane {
	return &subjectLane{subject: subject, header: []byte(KeyHeader + ": " + key + "\r\n" + TimeHeader + ": ")}
}

// entry is one message on its way into the log or to live subscribers.
type entry struct {
	lane  *subjectLane
	time  int64
	lost  uint64
	value []byte
	// number is the value's place in its record's own count, logged that among
	// what was to be logged: values that collapsed on the way are not in it.
	// from is the record it came from.
	ringNumber, logNumber uint64
	record                *loggedRecord
}

func (e *entry) size() int { return len(e.value) + len(e.lane.subject) + len(e.lane.header) + 96 }

// headers appends the entry's header lines. The run is for what is logged.
func (e *entry) headers(b []byte, run uint64) []byte {
	b = append(b, e.lane.header...)
	b = strconv.AppendInt(b, e.time, 10)
	b = append(b, "\r\n"...)
	if e.logNumber > 0 {
		b = append(b, NumberHeader+": "...)
		b = strconv.AppendUint(b, run, 10)
		b = append(b, '.')
		b = strconv.AppendUint(b, e.logNumber, 10)
		b = append(b, "\r\n"...)
	}
	if e.lost > 0 {
		b = append(b, LostHeader+": "...)
		b = strconv.AppendUint(b, e.lost, 10)
		b = append(b, "\r\n"...)
	}
	return b
}

// batch is a run of entries that goes out together and is answered once.
type batch struct {
	id      uint64
	entries []entry
	// base is the last sequence of the log before the batch.
	base   uint64
	answer chan answer
}

func (b *batch) last() uint64 { return b.base + uint64(len(b.entries)) }

// say delivers an answer; only the first counts, because a batch that has
// failed is refused once more for every message behind.
func (b *batch) deliver(a answer) {
	select {
	case b.answer <- a:
	default:
	}
}

// checked makes an error of an answer that does not speak for the whole batch:
// fast ingest says where it has ended one in the middle.
func (b *batch) validate(a answer) answer {
	if a.err() == nil && a.Sequence != b.last() {
		a.failed = fmt.Errorf("bus: the log ends a batch at %d, want it to end at %d", a.Sequence, b.last())
	}
	return a
}

// answer is what the stream says to a batch.
type answer struct {
	Sequence uint64              `json:"seq"`
	Error    *jetstream.APIError `json:"error"`
	Type     string              `json:"type"`
	// failed is an error of ours.
	failed error
}

func (a answer) err() error {
	if a.failed != nil {
		return a.failed
	}
	if a.Error != nil {
		return fmt.Errorf("bus: the log refuses: %w", a.Error)
	}
	return nil
}

// parseAnswer returns false for what is not the end of a batch: the flow
// messages of fast ingest.
func parseAnswer(data []byte) (answer, bool) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil || a.Type == "ack" || a.Type == "gap" {
		return a, false
	}
	return a, a.Sequence > 0 || a.Error != nil
}
