package history

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/aimdb-go/aimdb/key"
)

// FuzzCursorPlace reads whatever place a cursor may have inside a correct sum.
func FuzzCursorPlace(f *testing.F) {
	f.Add([]byte{2, 4})
	f.Add([]byte{2, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, body []byte) {
		c, ok := parsePlace(body)
		if !ok {
			return
		}
		q := PageQuery{}
		q.Cursor = c.encode("h", q)
		again, err := parseCursor("h", q)
		if err != nil || *again.after != *c.after || len(again.taken) != len(c.taken) {
			t.Errorf("%x became %+v and then %+v, %v", body, c, again, err)
		}
	})
}

// FuzzCursor: only the cursor itself is taken.
func FuzzCursor(f *testing.F) {
	q := PageQuery{RangeQuery: RangeQuery{Pattern: key.WirePattern("#"), PerRecord: 2}}
	c := cursor{}
	c.take(Row{ID: 7, Record: "a", Time: -5}, true)
	good := c.encode("h", q)
	f.Add(good)
	f.Add("")
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, text string) {
		q := q
		q.Cursor = text
		_, err := parseCursor("h", q)
		if (err == nil) != (text == "" || text == good) || err != nil && !errors.Is(err, ErrBadCursor) {
			t.Errorf("cursor %q: %v", text, err)
		}
	})
}

// A cursor as earlier versions of this program made it: a sum of 16 bytes, and
// behind it the place.
func TestCursorOfAnEarlierVersion(t *testing.T) {
	for first := range 256 {
		old := make([]byte, 19)
		old[0] = byte(first)
		q := PageQuery{Cursor: base64.RawURLEncoding.EncodeToString(old)}
		_, err := parseCursor("h", q)
		if asked := (*QueryError)(nil); !errors.Is(err, ErrBadCursor) || !errors.As(err, &asked) {
			t.Errorf("first byte %d: %v", first, err)
		}
	}
}
