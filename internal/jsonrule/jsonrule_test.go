package jsonrule_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

func nested(levels int) string {
	return strings.Repeat(`[{"a":`, levels/2) + "1" + strings.Repeat("}]", levels/2)
}

func TestCheck(t *testing.T) {
	for value, says := range map[string]string{
		`{"a":1,"a":2}`:                           "",
		` {"ü":"\ud800 \u0000"} `:                 "",
		nested(jsonrule.MaxDepth):                 "",
		`"` + nested(200) + `"`:                   "JSON", // its quotes are not escaped
		nested(jsonrule.MaxDepth + 2):             "100 levels",
		strings.Repeat("[", 20_000):               "100 levels",
		`["` + strings.Repeat(`[{\"`, 200) + `"]`: "",
		strings.Repeat("[]", 200):                 "JSON",
		"\ufeff1":                                 "byte order mark",
		"[\ufeff1]":                               "JSON",
		"\"a\xffb\"":                              "UTF-8 at byte 3",
		"\xff\xfe1\x00":                           "UTF-8 at byte 1",
		"\"\xed\xa0\x80\"":                        "UTF-8 at byte 2", // half of a surrogate pair
		"":                                        "JSON",
		"{":                                       "JSON",
		"1 2":                                     "JSON",
	} {
		err := jsonrule.Check([]byte(value))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", value, err, says)
		}
	}
}

func TestSkipMark(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeffa": "a", "a": "a", "": "", "\ufeff": "", "\xef\xbb": "\xef\xbb", "\ufeff\ufeffa": "\ufeffa",
	} {
		r := bufio.NewReader(iotest{strings.NewReader(text)})
		if err := jsonrule.SkipMark(r); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}

// iotest reads one byte at a time, as a pipe may.
type iotest struct{ r io.Reader }

func (r iotest) Read(p []byte) (int, error) { return r.r.Read(p[:min(1, len(p))]) }

// FuzzCheck: exactly what decodes, is UTF-8 and is nowhere deeper than said
// passes.
func FuzzCheck(f *testing.F) {
	for _, value := range []string{"1", `{"a":[1,{"b":"\"]["}]}`, nested(100), nested(102), "\ufeff1", "\"\xff\""} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		want := json.Valid(value) && utf8.Valid(value) && depth(value) <= jsonrule.MaxDepth
		if err := jsonrule.Check(value); (err == nil) != want {
			t.Errorf("%q: %v, want it to pass: %v", value, err, want)
		}
	})
}

func depth(value []byte) int {
	depth, deepest := 0, 0
	for d := json.NewDecoder(bytes.NewReader(value)); ; deepest = max(deepest, depth) {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
