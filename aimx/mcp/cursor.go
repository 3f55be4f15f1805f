package mcp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/aimdb-go/aimdb/history"
)

// errBadCursor is the error of a cursor that is not one, or is one of another call.
var errBadCursor = errors.New("the cursor does not belong to these arguments; give it with the arguments of the answer that it came with, or leave it out to begin again")

// cursor is the place where the next answer continues. It holds the window as it was read
// for the first answer, because "1h ago" moves.
type cursor struct {
	Start *int64 `json:"s,omitempty"`
	End   *int64 `json:"e,omitempty"`
	// Offset counts what earlier answers had, Next is the cursor of the database, and
	// MaxID the last row that the first answer could see.
	Offset int    `json:"o,omitempty"`
	Next   string `json:"n,omitempty"`
	MaxID  int64  `json:"m,omitempty"`
	// Sum is that of the other arguments.
	Sum uint64 `json:"q"`
}

func (c cursor) window() history.Window { return history.Window{Start: c.Start, End: c.End} }

// encode returns the cursor as text.
func (c cursor) encode() string {
	text, err := json.Marshal(c)
	if err != nil {
		return "" // it has numbers and texts only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor reads a cursor for a call with these arguments, and an empty one as the
// first place.
func parseCursor(text string, arguments ...any) (cursor, error) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q", arguments) // a hash takes everything
	c := cursor{Sum: h.Sum64()}
	if text == "" {
		return c, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, errBadCursor
	}
	var given cursor
	if json.Unmarshal(raw, &given) != nil || given.Sum != c.Sum || given.Offset < 0 {
		return c, errBadCursor
	}
	return given, nil
}

// windowOf returns the cursor of a call with a window. An earlier cursor has its own.
func windowOf(text, start, end string, arguments ...any) (cursor, error) {
	c, err := parseCursor(text, append(arguments, start, end)...)
	if err != nil || text != "" {
		return c, err
	}
	if c.Start, err = parseTime("start", start); err != nil {
		return c, err
	}
	if c.End, err = parseTime("end", end); err != nil {
		return c, err
	}
	if c.Start != nil && c.End != nil && *c.Start > *c.End {
		return c, errors.New("start is after end; exchange them")
	}
	return c, nil
}
