package bus

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// The headers of a value's message.
const (
	// KeyHeader holds the exact key of the record. The subject is not enough: "a.b"
	// and "a::b" have the same one.
	KeyHeader = "Aimdb-Key"
	// TimeHeader holds the time of the write in Unix milliseconds.
	TimeHeader = "Aimdb-Time"
	// EventHeader holds the own time of the value in Unix milliseconds, the time of the
	// write if it has none. It is set on all values of a record whose values have times of
	// their own, and on no others.
	EventHeader = "Aimdb-Event"
	// NumberHeader holds <run>.<number>.<length> and is set on logged messages. Run is
	// the last sequence of the log before this run of the process. Number is the number
	// of the value in its record within that run, from 1. Length is the size of the
	// payload in bytes: the server's checksum of a message does not cover where its
	// headers end.
	NumberHeader = "Aimdb-Number"
	// ShapeHeader holds the version of the shape of the value: how many migrations its
	// record had when it was written. It is absent if that is 0.
	ShapeHeader = "Aimdb-Shape"
	// LostHeader holds the number of values of the record that were lost between the
	// previous message and this one. It is absent if there are none.
	LostHeader = "Aimdb-Lost"
	// beforeHeader holds the sequence of the message in the log before this one, which
	// was deleted before it had acknowledged the message. A sink that has stored the
	// message from there skips it.
	beforeHeader = "Aimdb-Before"
)

// headerInt reads a numeric header. It returns 0 for a header that is missing or not a
// number.
func headerInt(h nats.Header, name string) int64 {
	values := h[name]
	if len(values) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// shapeOf reads ShapeHeader. It returns 0 if it is missing, and -1, which is the shape of
// no record, if it is malformed.
func shapeOf(h nats.Header) int {
	values := h[ShapeHeader]
	if len(values) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return int(n)
}

// eventOf reads EventHeader. It returns false if it is missing. A malformed one is the time
// of the write.
func eventOf(h nats.Header, written int64) (ms int64, timed bool) {
	values := h[EventHeader]
	if len(values) == 0 {
		return 0, false
	}
	ms, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil {
		return written, true
	}
	return ms, true
}

// runAndNumber reads NumberHeader. It returns 0, 0 if it is missing or malformed.
func runAndNumber(h nats.Header) (run, number uint64) {
	run, number, _ = ParseNumber(h)
	return run, number
}

// ParseNumber reads NumberHeader. It returns 0, 0 and -1 if it is missing or malformed.
// The length is -1 if it is missing, as in messages of
// older versions.
func ParseNumber(h nats.Header) (run, number uint64, length int) {
	values := h[NumberHeader]
	if len(values) == 0 {
		return 0, 0, -1
	}
	left, rest, _ := strings.Cut(values[0], ".")
	middle, right, measured := strings.Cut(rest, ".")
	run, errRun := strconv.ParseUint(left, 10, 64)
	number, errNumber := strconv.ParseUint(middle, 10, 64)
	length, errLength := strconv.Atoi(right)
	if errRun != nil || errNumber != nil {
		return 0, 0, -1
	}
	if !measured || errLength != nil {
		length = -1
	}
	return run, number, length
}
