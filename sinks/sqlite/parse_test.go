package sqlite

import (
	"bytes"
	"database/sql"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

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
		parsed, err := history.ParsePath(text)
		if err != nil {
			return
		}
		path := jsonPath(parsed)
		if bytes.ContainsRune([]byte(path), 0) {
			t.Fatalf("%q became %q", text, path)
		}
		var kind sql.NullString
		if err := db.QueryRow("SELECT json_type('{}', ?)", path).Scan(&kind); err != nil {
			t.Errorf("%q became %q: %v", text, path, err)
		}
	})
}
