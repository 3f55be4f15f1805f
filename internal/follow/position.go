package follow

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// boundary is where the history of one Follow ends and the log continues: rows up
// to MaxID are what the history has of the log up to Sequence.
type boundary struct {
	Pattern string `json:"pattern"`
	// From is the requested time in Unix milliseconds, nil for none.
	From *int64 `json:"from,omitempty"`
	// Since is a time of storing before which rows are left out, nil for none.
	Since *int64 `json:"since,omitempty"`
	// Timed says that rows of the history have times of their own, so that the time of the
	// last one says nothing about when it was written.
	Timed    bool   `json:"timed,omitempty"`
	Log      string `json:"log"`
	Sequence uint64 `json:"sequence"`
	MaxID    int64  `json:"max_id"`
	// History is the identity of the history that has the rows, empty if it is not known.
	History string `json:"history,omitempty"`

	// base is the encoded boundary, with which the text of each position begins, and sum
	// is its checksum.
	base string
	sum  uint32
}

// encode fills base and sum.
func (b *boundary) encode() *boundary {
	body, err := json.Marshal(b)
	if err != nil { // it holds strings and numbers
		panic(fmt.Sprintf("follow: encode a position: %v", err))
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	b.base = base64.RawURLEncoding.EncodeToString(append(sum, body...))
	b.sum = crc32.ChecksumIEEE([]byte(b.base))
	return b
}

func parseBoundary(base string) (*boundary, bool) {
	var b boundary
	if !decodeSummed(base, &b) {
		return nil, false
	}
	b.base, b.sum = base, crc32.ChecksumIEEE([]byte(base))
	return &b, true
}

// decodeSummed decodes JSON that follows its checksum, in base64.
func decodeSummed(text string, into any) bool {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(data) >= 4 && binary.BigEndian.Uint32(data) == crc32.ChecksumIEEE(data[4:]) && json.Unmarshal(data[4:], into) == nil
}

// excludes reports whether a value is from before the requested time and was also written
// before it, or was written before Since.
func (b *boundary) excludes(m *bus.Message) bool {
	return b.From != nil && max(m.RowTime(), m.Time) < *b.From || b.Since != nil && m.Time < *b.Since
}

// begins returns the time from which on values are sent, 0 for none.
func (b *boundary) begins() (ms int64) {
	if b.From != nil {
		ms = *b.From
	}
	if b.Since != nil {
		ms = max(ms, *b.Since)
	}
	return ms
}

// Position is the place of an event. It is small, since each event has one. Its text can be
// kept, and Parse reads it.
type Position struct {
	boundary *boundary
	// row is the last row of the history; ID 0 is before all rows. After the end of
	// history, only its time counts: when the last value was written.
	row history.Point
	// live is true after the end of history, and sequence is the last one of the
	// log then.
	live     bool
	sequence uint64
}

// The kinds of a place, in its text.
const (
	stored = "h" // a row of the history
	logged = "l" // a message of the log
)

// Pattern returns which records the sequence of the position is about.
func (p Position) Pattern() string { return p.boundary.Pattern }

// Time returns the time of the event in Unix milliseconds.
func (p Position) Time() int64 { return p.row.Time }

// String returns the position in the form that Parse reads.
func (p Position) String() string {
	if p.boundary == nil {
		return ""
	}
	return p.boundary.base + p.Place()
}

// Place returns the part of the text that follows the boundary: .KIND.TIME.NUMBER.CHECKSUM
func (p Position) Place() string {
	kind, number := stored, uint64(p.row.ID)
	if p.live {
		kind, number = logged, p.sequence
	}
	b := append(make([]byte, 0, 48), '.')
	b = append(append(b, kind...), '.')
	b = append(strconv.AppendInt(b, p.row.Time, 36), '.')
	b = append(strconv.AppendUint(b, number, 36), '.')
	sum := crc32.Update(p.boundary.sum, crc32.IEEETable, b)
	return string(strconv.AppendUint(b, uint64(sum), 36))
}

// Parse reads a position.
func Parse(text string) (Position, error) {
	base, place, split := strings.Cut(text, ".")
	if !split {
		if p, ok := parseOlderPosition(text); ok {
			return p, nil
		}
	}
	boundary, ok := parseBoundary(base)
	p := Position{boundary: boundary}
	if ok {
		ok = p.parsePlace(strings.Split(place, "."))
	}
	if !ok || p.String() != text {
		return Position{}, &history.QueryError{Reason: fmt.Sprintf("%.300q is no position of an event", text)}
	}
	return p, nil
}

// parseOlderPosition reads a position of an earlier version, which had the boundary and
// the place in one JSON object.
func parseOlderPosition(text string) (p Position, ok bool) {
	var older struct {
		boundary
		Time int64  `json:"time"`
		ID   int64  `json:"id"`
		Live bool   `json:"live"`
		At   uint64 `json:"at"`
	}
	if !decodeSummed(text, &older) || older.ID == 0 && !older.Live { // without a place it is the start of a newer one
		return p, false
	}
	return Position{
		boundary: older.boundary.encode(), row: history.Point{Time: older.Time, ID: older.ID}, live: older.Live, sequence: older.At,
	}, true
}

func (p *Position) parsePlace(fields []string) bool {
	if len(fields) != 4 {
		return false
	}
	at, badTime := strconv.ParseInt(fields[1], 36, 64)
	number, badNumber := strconv.ParseUint(fields[2], 36, 64)
	if badTime != nil || badNumber != nil {
		return false
	}
	p.row.Time, p.live = at, fields[0] == logged
	if p.live {
		p.sequence = number
	} else {
		p.row.ID = int64(number)
	}
	return true
}

// after returns the sequence after which the log is read.
func (p Position) after() uint64 {
	if p.live {
		return p.sequence
	}
	return p.boundary.Sequence
}

// remaining asks for the rows after the position.
func (p Position) remaining(pattern key.Pattern) history.RangeQuery {
	q := history.RangeQuery{Pattern: pattern, Window: history.Window{Start: p.boundary.From}, MaxID: p.boundary.MaxID, StoredSince: p.boundary.Since}
	if since := p.boundary.Since; since != nil && p.boundary.From != nil && *since >= *p.boundary.From {
		q.Window.Start = nil // what was written since then was to be sent, whatever its own time
	}
	if p.row.ID > 0 {
		q.After = &p.row
	}
	return q
}
