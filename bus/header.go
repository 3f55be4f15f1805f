package bus

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// The headers of a value's message.
const (
	// KeyHeader carries the exact key of the record, which the subject alone
	// does not tell: "a.b" and "a::b" have one subject.
	KeyHeader = "Aimdb-Key"
	// TimeHeader carries the time of the write in Unix milliseconds.
	TimeHeader = "Aimdb-Time"
	// NumberHeader stands on what is logged and carries <run>.<number>: the
	// number of the value in its record's count of this run of the process, and
	// as the run the sequence of the log that it began behind.
	NumberHeader = "Aimdb-Number"
	// LostHeader carries how many values of the record were lost on the way to
	// the log just before this one. It is absent if none were.
	LostHeader = "Aimdb-Lost"
)

// number reads a header that holds one; a header that is not there or not a
// number is 0.
func number(h nats.Header, name string) int64 {
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

// runAndNumber reads the number header; without one both are 0.
func runAndNumber(h nats.Header) (run, number uint64) {
	values := h[NumberHeader]
	if len(values) == 0 {
		return 0, 0
	}
	left, right, _ := strings.Cut(values[0], ".")
	run, err := strconv.ParseUint(left, 10, 64)
	if err != nil {
		return 0, 0
	}
	if number, err = strconv.ParseUint(right, 10, 64); err != nil {
		return 0, 0
	}
	return run, number
}
