package history

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
)

// cursorVersion is the first byte of a cursor.
const cursorVersion = 2

// cursor is the place after the last row of a page. It needs no secret: it only
// says where a query continues, and what a client may read is decided elsewhere.
// The sum of the query in it detects a cursor of another query.
type cursor struct {
	after *Point
	// taken counts the rows of each record on earlier pages, by the hash of its
	// name, where the query limits them.
	taken map[uint64]int
}

// rest returns the query for what follows the cursor. One row more than the page
// holds shows whether there is another page.
func (c cursor) rest(q RangeQuery) RangeQuery {
	q.After = c.after
	q.Total++
	if len(c.taken) > 0 {
		q.Total = 0 // rows of records that have their share are left out
	}
	return q
}

// take moves the cursor after a row.
func (c *cursor) take(row Row, count bool) {
	p := row.Point()
	c.after = &p
	if count {
		if c.taken == nil {
			c.taken = map[uint64]int{}
		}
		c.taken[hash(row.Record)]++
	}
}

func hash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	return h.Sum64()
}

// encode returns the version, the sum of the query, the point and the counts.
func (c cursor) encode(identity string, q PageQuery) string {
	b := binary.BigEndian.AppendUint64([]byte{cursorVersion}, sum(identity, q))
	b = binary.AppendVarint(b, c.after.Time)
	b = binary.AppendVarint(b, c.after.ID)
	for _, name := range slices.Sorted(maps.Keys(c.taken)) {
		b = binary.BigEndian.AppendUint64(b, name)
		b = binary.AppendUvarint(b, uint64(c.taken[name]))
	}
	b = binary.BigEndian.AppendUint64(b, hash(string(b)))
	return base64.RawURLEncoding.EncodeToString(b)
}

// sum identifies the history and the query that a cursor belongs to.
func sum(identity string, q PageQuery) uint64 {
	b := append([]byte(identity), 0)
	b = append(b, q.Pattern.String()...)
	b = append(b, 0)
	for _, end := range []*int64{q.Window.Start, q.Window.End} {
		if end == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendVarint(append(b, 1), *end)
	}
	b = binary.AppendVarint(b, int64(q.PerRecord))
	if q.Descending {
		b = append(b, 1)
	}
	return hash(string(b))
}

func parseCursor(identity string, q PageQuery) (cursor, error) {
	if q.Cursor == "" {
		return cursor{}, nil
	}
	bad := &QueryError{Err: ErrBadCursor}
	const head, tail = 9, 8
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) < head+tail || b[0] != cursorVersion {
		return cursor{}, bad
	}
	b, check := b[:len(b)-tail], binary.BigEndian.Uint64(b[len(b)-tail:])
	if hash(string(b)) != check || binary.BigEndian.Uint64(b[1:head]) != sum(identity, q) {
		return cursor{}, bad
	}
	c, ok := parsePlace(b[head:])
	if !ok {
		return cursor{}, bad
	}
	return c, nil
}

func parsePlace(b []byte) (c cursor, ok bool) {
	c.after = &Point{}
	for _, field := range []*int64{&c.after.Time, &c.after.ID} {
		value, n := binary.Varint(b)
		if n <= 0 {
			return c, false
		}
		*field, b = value, b[n:]
	}
	for len(b) > 8 {
		name := binary.BigEndian.Uint64(b)
		value, n := binary.Uvarint(b[8:])
		if n <= 0 || value > 1<<62 {
			return c, false
		}
		if c.taken == nil {
			c.taken = map[uint64]int{}
		}
		c.taken[name], b = int(value), b[8+n:]
	}
	return c, len(b) == 0
}
