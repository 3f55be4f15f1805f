package bus

import (
	"strconv"

	"github.com/nats-io/nats.go"
)

// The headers of a value's message.
const (
	// KeyHeader carries the exact key of the record, which the subject alone
	// does not tell: "a.b" and "a::b" have one subject.
	KeyHeader = "Aimdb-Key"
	// TimeHeader carries the time of the write in Unix milliseconds.
	TimeHeader = "Aimdb-Time"
	// LostHeader carries how many values of the record were lost just before
	// this one; it is absent if none were.
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
