package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

var errFrameTooLong = errors.New("a frame is longer than the limit")

// FrameTooLong is the error of a Receive whose frame is longer than the limit. What follows
// cannot be read.
type FrameTooLong struct {
	Limit int
	// ID is the id of the frame, if it has one in front of what makes it long.
	ID    uint64
	HasID bool
}

// Error implements error.
func (e *FrameTooLong) Error() string {
	return fmt.Sprintf("%v of %d bytes", errFrameTooLong, e.Limit)
}

// Unwrap returns what all such errors have in common.
func (e *FrameTooLong) Unwrap() error { return errFrameTooLong }

// prefixBytes is how much of a frame is searched for its id.
const prefixBytes = 1 << 10

func tooLong(limit int, start []byte) error {
	id, found := idOf(start[:min(len(start), prefixBytes)])
	return &FrameTooLong{Limit: limit, ID: id, HasID: found}
}

// idOf returns the id at the start of a frame.
func idOf(start []byte) (uint64, bool) {
	d := jsontext.NewDecoder(bytes.NewReader(start))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return 0, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return 0, false
		}
		isID := name.String() == "id"
		value, err := d.ReadValue()
		if err != nil {
			return 0, false
		}
		if isID {
			id, err := strconv.ParseUint(string(value), 10, 64)
			return id, err == nil
		}
	}
	return 0, false
}
