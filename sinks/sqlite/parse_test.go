package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// FuzzCursorBody feeds the decoder what the seal would have kept from it.
func FuzzCursorBody(f *testing.F) {
	f.Add([]byte{2, 4})
	f.Add([]byte{2, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	s := &Store{cursorKey: []byte("key")}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, ok := parseBody(body)
		if !ok {
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(s.seal(history.RangeQuery{}, c))
		if err != nil {
			t.Fatal(err)
		}
		again, ok := parseBody(raw[macSize:])
		if !ok || again.after != c.after || len(again.given) != len(c.given) {
			t.Errorf("%x became %+v and then %+v", body, c, again)
		}
	})
}

// FuzzJSONPath: whatever is accepted is a path to SQLite too.
func FuzzJSONPath(f *testing.F) {
	for _, path := range []string{"", "$", "a", "$.a.b[3]", `"a.b".c`, "[0][1]", "a..", "a b", "ü"} {
		f.Add(path)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		path, err := jsonPath(text)
		if err != nil {
			return
		}
		if bytes.ContainsRune([]byte(path), 0) {
			t.Fatalf("%q became %q", text, path)
		}
		var kind sql.NullString
		if err := db.QueryRow("SELECT json_type('{}', ?)", path).Scan(&kind); err != nil {
			t.Errorf("%q became %q: %v", text, path, err)
		}
	})
}
