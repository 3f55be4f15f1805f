package aimdb

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// ErrPositionGone says that the log does not hold what follows a position any
// more, or that it is another log. Follow from a time instead.
var ErrPositionGone = errors.New("the log does not reach back to this position any more; follow from a time instead")

// seam is where the history of one Follow ends and the log goes on. Rows up to
// MaxID are what the history has of the log up to Sequence.
type seam struct {
	Pattern string `json:"pattern"`
	// From is the time that was asked for in Unix milliseconds, nil for none.
	From     *int64 `json:"from,omitempty"`
	Log      string `json:"log"`
	Sequence uint64 `json:"sequence"`
	MaxID    int64  `json:"max_id"`
}

// place is where an event stands. It is small, since each event has one.
type place struct {
	seam *seam
	// time and id are those of a row of the history, or id is 0 and the place
	// is before all rows.
	time, id int64
	// sequence is that of a value of the log, if the history lies behind.
	sequence uint64
	live     bool
}

// written is a place as it is given to a caller.
type written struct {
	seam
	Time int64  `json:"time,omitempty"`
	ID   int64  `json:"id,omitempty"`
	Live bool   `json:"live,omitempty"`
	At   uint64 `json:"at,omitempty"`
}

// String returns the place in a form that parsePlace reads: a sum that tells a
// damaged one, and JSON.
func (p place) String() string {
	if p.seam == nil {
		return ""
	}
	body, err := json.Marshal(written{*p.seam, p.time, p.id, p.live, p.sequence})
	if err != nil { // it holds strings and numbers
		panic(fmt.Sprintf("aimdb: encode a position: %v", err))
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	return base64.RawURLEncoding.EncodeToString(append(sum, body...))
}

func parsePlace(text string) (p place, err error) {
	var w written
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) < 4 || binary.BigEndian.Uint32(data) != crc32.ChecksumIEEE(data[4:]) || json.Unmarshal(data[4:], &w) != nil {
		return p, &history.QueryError{Reason: fmt.Sprintf("aimdb: %q is no position that an event had", text)}
	}
	return place{seam: &w.seam, time: w.Time, id: w.ID, live: w.Live, sequence: w.At}, nil
}

// beginning returns the place before all that Follow is to yield.
func (db *DB) beginning(ctx context.Context, pattern string, from time.Time) (place, error) {
	if _, err := db.checkQuery(pattern); err != nil {
		return place{}, err
	}
	start, err := millis("start", from)
	if err != nil {
		return place{}, fmt.Errorf("aimdb: follow %q: %w", pattern, err)
	}
	at, err := db.config.backend.Position(ctx)
	if err != nil {
		return place{}, fmt.Errorf("aimdb: follow %q: find the end of history: %w", pattern, err)
	}
	s := &seam{Pattern: pattern, From: start, Log: db.bus.Identity(), MaxID: at.MaxID}
	if at.Log == s.Log { // otherwise the history has nothing of this log yet
		s.Sequence = at.Sequence
	}
	return place{seam: s}, nil
}

// resume returns the place that a position names, if all that follows it is
// there.
func (db *DB) resume(ctx context.Context, position string) (place, error) {
	p, err := parsePlace(position)
	if err != nil {
		return p, err
	}
	if _, err := db.checkQuery(p.seam.Pattern); err != nil {
		return p, err
	}
	log, err := db.bus.Stats(ctx)
	if err != nil {
		return p, fmt.Errorf("aimdb: follow %q: ask the log where it begins: %w", p.seam.Pattern, err)
	}
	after := p.after()
	if p.seam.Log != db.bus.Identity() || after > log.LastSequence || log.FirstSequence > after+1 {
		return p, fmt.Errorf("aimdb: follow %q: %w", p.seam.Pattern, ErrPositionGone)
	}
	return p, nil
}

// after returns the sequence behind which the log is to be read.
func (p place) after() uint64 {
	if p.live {
		return p.sequence
	}
	return p.seam.Sequence
}

// rest asks for the rows behind the place. Those of its millisecond come once
// more; passed tells them.
func (p place) rest(pattern key.Pattern) history.RangeQuery {
	q := history.RangeQuery{Pattern: pattern, Window: history.Window{Start: p.seam.From}, MaxID: p.seam.MaxID}
	if p.id > 0 {
		q.Window.Start = &p.time
	}
	return q
}

// passed reports whether a row is not behind the place.
func (p place) passed(row history.Row) bool {
	return p.id > 0 && row.Time == p.time && row.ID <= p.id
}

// early reports whether a value was written before what was asked for.
func (s *seam) early(ms int64) bool { return s.From != nil && ms < *s.From }
