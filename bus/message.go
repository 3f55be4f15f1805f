package bus

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/nats-io/nats.go"
)

// Message is one message of the log: a value or a loss.
type Message struct {
	// Sequence is the sequence of the message in the log.
	Sequence uint64
	// Record is the exact key of the record, Time the time of the write in Unix
	// milliseconds, and Value the JSON of the value. Lost is the number of values of
	// the record that were lost between its previous message and this one.
	Record string
	Time   int64
	Value  []byte
	Lost   uint64
	// Timed says that the values of the record have times of their own. Event is that of
	// this value in Unix milliseconds, and Time if it has none.
	Timed bool
	Event int64
	// Shape is the version of the shape of the value.
	Shape int
	// Number is the number of the value in its record within one run of the process,
	// or that of the last value that Loss covers. Run is the last sequence of the log
	// before that run. Number is 0 if the message carries none.
	Run, Number uint64
	// Remote says that it is the value of a record that clients from outside may read.
	Remote bool
	// Loss is set in place of Value on a message that reports a loss.
	Loss *loss.Loss
	// Marker is set on a message that holds neither value nor loss. Of it only the
	// sequence counts: a reader has read the log up to it.
	Marker bool

	// subject, data and reply are what the fingerprint is made of.
	subject string
	data    []byte
	reply   string
}

// RowTime returns the time under which the value is stored: its own if the record has such
// times, and that of the write otherwise.
func (m *Message) RowTime() int64 {
	if m.Timed {
		return m.Event
	}
	return m.Time
}

// tombstone reports whether the message stands for one that the log had lost at its end.
func (m *Message) tombstone() bool {
	return m.Loss != nil && m.Loss.Record == "" && m.Loss.Cause == loss.LogTruncated
}

// mark makes the message a marker: what it holds is not for the reader.
func (m *Message) mark() {
	*m = Message{Sequence: m.Sequence, Time: m.Time, Marker: true, subject: m.subject, data: m.data, reply: m.reply}
}

// warnRepeated logs the first message that a reader skips because it repeats another one.
func (b *Bus) warnRepeated(seen *recordGaps, m *Message) {
	if seen.repeated == 1 {
		b.log.Warn("bus: the log holds a message twice, and its readers skip the second one; further ones are not reported",
			"record", m.Record, "sequence", m.Sequence, "run", m.Run, "number", m.Number)
	}
}

// Fingerprint returns what identifies the message in the log. It is zero for a
// message that the log does not hold.
func (m *Message) Fingerprint() history.Fingerprint {
	if m.reply == "" {
		return history.Fingerprint{}
	}
	stored, err := storedAt(m.reply)
	if err != nil {
		return history.Fingerprint{}
	}
	return fingerprint(m.subject, m.data, stored)
}

func fingerprint(subject string, data []byte, stored int64) history.Fingerprint {
	h := fnv.New64a()
	_, _ = h.Write([]byte(subject)) // a hash takes everything
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(data)
	return history.Fingerprint{Time: stored, Hash: h.Sum64()}
}

// message decodes a message of the log.
func (b *Bus) message(subject string, h nats.Header, data []byte, sequence uint64) Message {
	m := Message{Sequence: sequence, Value: data, subject: subject, data: data}
	m.Time = headerInt(h, TimeHeader)
	kind := b.subjects.kind(subject)
	m.Remote = kind == logKind || kind == liveKind
	if found, is := b.parseMarker(subject, data); is {
		decodeMarker(&m, found)
		return m
	}
	run, number, length := ParseNumber(h)
	if length >= 0 && length != len(data) || len(h) == 0 && !json.Valid(data) {
		return b.damagedMessage(m)
	}
	m.Run, m.Number = run, number
	if keys := h[KeyHeader]; len(keys) > 0 {
		m.Record = keys[0]
	} else { // written by another client that was granted it
		_, m.Record, _ = strings.Cut(subject, b.subjects.prefix(kind))
	}
	if b.ofSites {
		m.ofSite()
	}
	m.Lost = uint64(max(0, headerInt(h, LostHeader)))
	m.Shape = shapeOf(h)
	m.Event, m.Timed = eventOf(h, m.Time)
	if kind == lossKind {
		m.Loss, m.Value = &loss.Loss{}, nil
		if err := json.Unmarshal(data, m.Loss); err != nil {
			m.Loss = &loss.Loss{Record: m.Record, FirstTime: m.Time, LastTime: m.Time}
			b.log.Warn("bus: a loss message of the log could not be decoded; it counts no values", "sequence", sequence, "error", err)
		}
	}
	return m
}

// damagedMessage turns a message into the loss of itself. The boundary between its
// headers and its payload has moved, which the server does not notice.
func (b *Bus) damagedMessage(m Message) Message {
	b.log.Error("bus: a message of the log is damaged; it is counted as lost", "sequence", m.Sequence, "subject", m.subject)
	m.Value, m.Loss = nil, &loss.Loss{
		Cause: loss.LogDamaged, Count: 1, From: m.Sequence, To: m.Sequence, LastTime: m.Time,
	}
	return m
}

// The subject that a message is acknowledged on is
// $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<time>.<pending>
// or the longer form with domain and account after ACK.
const (
	ackSequence = 5
	ackTime     = 7
	ackPending  = 8
)

// sequenceOf reads the stream sequence from the reply subject of a message.
func sequenceOf(reply string) (uint64, error) { return ackToken(reply, ackSequence) }

// storedAt reads when the server stored a message, in Unix nanoseconds.
func storedAt(reply string) (int64, error) {
	t, err := ackToken(reply, ackTime)
	return int64(t), err
}

// pendingAfter reads how many messages the consumer has left after this one.
func pendingAfter(reply string) (uint64, error) { return ackToken(reply, ackPending) }

func ackToken(reply string, skip int) (uint64, error) {
	if strings.Count(reply, ".") >= 10 {
		skip += 2
	}
	rest := reply
	for range skip {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return 0, fmt.Errorf("bus: reply subject %q of a message is not that of a consumer", reply)
		}
		rest = after
	}
	text, _, _ := strings.Cut(rest, ".")
	sequence, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("bus: reply subject %q of a message is not that of a consumer: %w", reply, err)
	}
	return sequence, nil
}
