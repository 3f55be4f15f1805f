package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// ruled are values at the borders of the rule of package jsonrule. says is why a
// value is refused, and empty if it is taken; then it has the number 2 at x.
var ruled = []struct{ name, value, says string }{
	{"two members of one name", `{"x":1,"x":2}`, ""},
	{"two members of one name, one as an escape", `{"x":1,"\u0078":2}`, ""},
	{"nested to the limit", `{"x":2,"deep":` + nest(jsonrule.MaxDepth-1) + `}`, ""},
	{"nested deeper", `{"x":2,"deep":` + nest(jsonrule.MaxDepth) + `}`, "more than 100 levels"},
	{"nested as deep as only encoding/json reads", `{"x":2,"deep":` + nest(5000) + `}`, "more than 100 levels"},
	{"broken UTF-8", "{\"x\":2,\"text\":\"a\xff\"}", "not valid UTF-8"},
	{"half a surrogate pair", "{\"x\":2,\"text\":\"\xed\xa0\x80\"}", "not valid UTF-8"},
	{"a byte order mark", "\ufeff{\"x\":2}", "byte order mark"},
	{"a byte order mark inside", "{\ufeff\"x\":2}", "not JSON"},
}

func nest(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// refusing are the doors that a value comes in by. Each returns what it says
// when it refuses one.
var refusing = map[string]func(t *testing.T, value string) string{
	"import of NDJSON": func(t *testing.T, value string) string {
		return said(aimdbIn(t, `{"record":"a","time":1,"value":`+value+"}\n", "history", "import", filepath.Join(t.TempDir(), "h.db")))
	},
	"import of CSV": func(t *testing.T, value string) string {
		var text strings.Builder
		if err := csv.NewWriter(&text).WriteAll([][]string{strings.Split(csvHead, ","), {"a", "1", value}}); err != nil {
			t.Fatal(err)
		}
		return said(aimdbIn(t, text.String(), "history", "import", filepath.Join(t.TempDir(), "h.db"), "--format", "csv"))
	},
	"Store.Import": func(t *testing.T, value string) (says string) {
		withStore(t, filepath.Join(t.TempDir(), "h.db"), func(s *sqlite.Store) {
			if _, err := s.Import(t.Context(), each([]history.Row{{Record: "a", Value: json.RawMessage(value)}})); err != nil {
				says = err.Error()
			}
		})
		return says
	},
}

// said is what a command that failed has on stderr.
func said(r result) string {
	if r.code == exitOK {
		return ""
	}
	return r.stderr
}

func TestOneRuleForValuesThatComeIn(t *testing.T) {
	t.Parallel()
	socket := serveAny(t)
	client, err := aimx.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	doors := map[string]func(*testing.T, string) string{
		"record set": func(t *testing.T, value string) string {
			return said(aimdb(t, "record", "set", "anything", value, "--connect", socket))
		},
	}
	for name, door := range refusing {
		doors[name] = door
	}
	for door, try := range doors {
		for _, c := range ruled {
			got := try(t, c.value)
			if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("%s of %s: %q, want %q", door, c.name, got, c.says)
			}
		}
	}
	// Whoever does not use our client meets the same rule.
	_, err = client.Set(t.Context(), "anything", json.RawMessage(nest(jsonrule.MaxDepth+1)))
	if err == nil || !strings.Contains(err.Error(), "more than 100 levels") {
		t.Errorf("record.set of a value that is nested too deeply: %v", err)
	}
}

// serveAny runs a database with a record of any type that clients may set.
func serveAny(t *testing.T) (socket string) {
	t.Helper()
	socket = shortPath(t)
	serve(t, func(db *embedded.DB) error {
		_, err := embedded.Register[any](db, "anything", embedded.Latest(), embedded.Remote(), embedded.Writable())
		return err
	}, embedded.Gateway(socket))
	return socket
}

// TestOneRuleForStoredValues: what lies in a file against the rule, because
// another program has written it, is left out and counted.
func TestOneRuleForStoredValues(t *testing.T) {
	t.Parallel()
	for _, c := range ruled {
		t.Run(c.name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "history.db")
			fillHistory(t, db, []sinks.Entry{{Sequence: 1, Record: "a", Time: 1, Value: []byte(c.value)}})
			rows := 1
			if c.says != "" {
				rows = 0
			}
			for _, args := range [][]string{
				{"query", db, "#"}, {"query", db, "#", "--range"}, {"query", db, "#", "--range", "--limit", "5"}, {"export", db},
			} {
				if args[0] == "query" {
					args = append(args, "--format", "ndjson")
				}
				r := aimdb(t, append([]string{"history"}, args...)...)
				if n := len(lines[storedRow](t, r.ok(t))); n != rows || (rows == 0) != strings.Contains(r.stderr, "1 row left out") {
					t.Errorf("%v: %d rows, and on stderr %q", args, n, r.stderr)
				}
			}
			checkBucket(t, db, rows)
		})
	}
}

func checkBucket(t *testing.T, db string, rows int) {
	t.Helper()
	s, err := sqlite.OpenReadOnly(db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q := history.BucketQuery{Pattern: key.WirePattern("#"), Width: time.Hour, Path: "x"}
	for b, err := range s.Buckets(t.Context(), q) {
		if err != nil || b.Count != int64(rows) || b.Sum != float64(2*rows) || b.NotNumeric != int64(1-rows) {
			t.Errorf("bucket %+v, %v; want %d numbers", b, err, rows)
		}
	}
}

// TestImportOfFilesWithAByteOrderMark: at the beginning of a file it is
// skipped, and in the middle it is the fault of its line.
func TestImportOfFilesWithAByteOrderMark(t *testing.T) {
	const mark = "\ufeff"
	row, other := `{"record":"a","time":1,"value":1}`+"\n", `{"record":"a","time":2,"value":2}`+"\n"
	for as, c := range map[string]struct{ good, bad string }{
		"ndjson": {mark + row + other, row + mark + other},
		"csv":    {mark + csvHead + "\na,1,1\na,2,2\n", csvHead + "\n" + mark + "a,1,1\n"},
	} {
		db := filepath.Join(t.TempDir(), "h.db")
		r := aimdbIn(t, c.good, "history", "import", db, "--format", as)
		if r.ok(t); !strings.Contains(r.stderr, "2 rows added") {
			t.Errorf("%s: %s", as, r.stderr)
		}
		aimdbIn(t, c.bad, "history", "import", db, "--format", as).fails(t, exitFailed, "line 2")
	}
	utf16 := "\xff\xfe" + strings.Join(strings.Split(row, ""), "\x00")
	aimdbIn(t, utf16, "history", "import", filepath.Join(t.TempDir(), "h.db")).fails(t, exitFailed, "line 1", "UTF-8")
	broken := "{\"record\":\"a\xff\",\"time\":1,\"value\":1}\n"
	aimdbIn(t, row+broken, "history", "import", filepath.Join(t.TempDir(), "h.db")).fails(t, exitFailed, "line 2", "UTF-8")
	aimdbIn(t, csvHead+"\na\xff,1,1\n", "history", "import", filepath.Join(t.TempDir(), "h.db"), "--format", "csv").fails(t, exitFailed, "line 2", "UTF-8")
}
