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
	// NumberHeader holds <run>.<number> and is set on logged messages. Run is the
	// last sequence of the log before this run of the process. Number is the number
	// of the value in its record within that run, from 1.
	NumberHeader = "Aimdb-Number"
	// LostHeader holds the number of values of the record that were lost between the
	// previous message and this one. It is absent if there are none.
	LostHeader = "Aimdb-Lost"
)

// number reads a numeric header. It returns 0 for a header that is missing or not a
// number.
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

// runAndNumber reads NumberHeader. It returns 0, 0 if it is missing or malformed.
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
