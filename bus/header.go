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
	// TimeHeader carries the time of the write in Unix milliseconds. On what
	// is logged the number of the value in its record's count of this run of
	// the process follows, as <run>.<number> behind a space; the run is the
	// sequence of the log that it began behind. It has no header of its own,
	// because each header costs every reader of the log; one more took some
	// five in a hundred of the processor time of the whole path into SQLite,
	// this one nothing that could be measured.
	TimeHeader = "Aimdb-Time"
	// LostHeader carries how many values of the record were lost just before
	// this one, or are known since the one before to be lost behind the log;
	// it is absent if none were.
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

// written reads the time header.
func written(h nats.Header) (time int64, run, number uint64) {
	values := h[TimeHeader]
	if len(values) == 0 {
		return 0, 0, 0
	}
	text, rest, _ := strings.Cut(values[0], " ")
	time, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, 0, 0
	}
	left, right, _ := strings.Cut(rest, ".")
	if run, err = strconv.ParseUint(left, 10, 64); err != nil {
		return time, 0, 0 // it has none
	}
	if number, err = strconv.ParseUint(right, 10, 64); err != nil {
		return time, 0, 0
	}
	return time, run, number
}
