package sqlite

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"path/filepath"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// cursor is the place behind the last row of a page.
type cursor struct {
	set   bool
	after point
	// given counts the rows of each record in the pages so far, by the hash of
	// its name, where the query limits them.
	given map[uint64]int
}

// macSize is the length of the seal in a cursor. It covers the database and
// the query, so that a cursor only goes on with what it came from.
const macSize = 16

// CursorAfter returns the cursor that goes on behind rows that Range yielded
// for q: all of them since the cursor of q, of which the values do not matter.
func (s *Store) CursorAfter(q history.RangeQuery, rows []history.Row) (string, error) {
	if len(rows) == 0 {
		return q.Cursor, nil
	}
	return s.cursorAfter(q, rows)
}

func (s *Store) cursorAfter(q history.RangeQuery, rows []history.Row) (string, error) {
	c, err := s.parseCursor(q)
	if err != nil {
		return "", err
	}
	c.after = at(rows[len(rows)-1])
	if q.PerRecord > 0 {
		if c.given == nil {
			c.given = map[uint64]int{}
		}
		for _, row := range rows {
			c.given[hash(row.Record)]++
		}
	}
	return s.seal(q, c), nil
}

func hash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	return h.Sum64()
}

func (s *Store) seal(q history.RangeQuery, c cursor) string {
	body := binary.AppendVarint(nil, c.after.time)
	body = binary.AppendVarint(body, c.after.id)
	for _, name := range slices.Sorted(maps.Keys(c.given)) {
		body = binary.BigEndian.AppendUint64(body, name)
		body = binary.AppendUvarint(body, uint64(c.given[name]))
	}
	return base64.RawURLEncoding.EncodeToString(append(s.mac(q, body), body...))
}

// mac seals a cursor with the query it belongs to. The size of a page is not
// a part of that, and may change from page to page.
func (s *Store) mac(q history.RangeQuery, body []byte) []byte {
	m := hmac.New(sha256.New, s.cursorKey)
	start, end := bounds(q.Window)
	about := binary.AppendUvarint(nil, uint64(len(q.Pattern.String())))
	about = append(about, q.Pattern.String()...)
	about = binary.AppendVarint(about, start)
	about = binary.AppendVarint(about, end)
	about = binary.AppendVarint(about, int64(q.PerRecord))
	if q.Descending {
		about = append(about, 1)
	} else {
		about = append(about, 0)
	}
	_, _ = m.Write(about) // a hash takes everything
	_, _ = m.Write(body)
	return m.Sum(nil)[:macSize]
}

func (s *Store) parseCursor(q history.RangeQuery) (cursor, error) {
	if q.Cursor == "" {
		return cursor{}, nil
	}
	bad := &history.QueryError{Reason: "the cursor does not belong to this database and this query; start without one, and change nothing but the size of a page"}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(raw) <= macSize || !hmac.Equal(raw[:macSize], s.mac(q, raw[macSize:])) {
		return cursor{}, bad
	}
	c, ok := parseBody(raw[macSize:])
	if !ok {
		return cursor{}, bad
	}
	return c, nil
}

func parseBody(body []byte) (c cursor, ok bool) {
	c.set = true
	for _, field := range []*int64{&c.after.time, &c.after.id} {
		value, n := binary.Varint(body)
		if n <= 0 {
			return c, false
		}
		*field, body = value, body[n:]
	}
	for len(body) > 8 {
		name := binary.BigEndian.Uint64(body)
		value, n := binary.Uvarint(body[8:])
		if n <= 0 || value > 1<<62 {
			return c, false
		}
		if c.given == nil {
			c.given = map[uint64]int{}
		}
		c.given[name], body = int(value), body[8+n:]
	}
	return c, len(body) == 0
}

// readIdentity reads what cursors are sealed with. A file of upstream has
// neither identity nor key; there a path has to do, which keeps cursors from
// being mixed up but not from being forged.
func (s *Store) readIdentity(ctx context.Context) error {
	if !s.own {
		absolute, err := filepath.Abs(s.path)
		key := sha256.Sum256([]byte("upstream:" + absolute))
		s.identity, s.cursorKey = "", key[:]
		return err
	}
	key, err := meta(ctx, s.readers, "cursor_key")
	if err != nil {
		return err
	}
	if s.cursorKey, err = hex.DecodeString(key); err != nil {
		return err
	}
	s.identity, err = meta(ctx, s.readers, "identity")
	return err
}
