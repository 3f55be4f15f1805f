package schema_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/schema"
)

const reading = `{
	"type": "object",
	"required": ["celsius", "unit"],
	"properties": {
		"celsius": {"type": "number", "minimum": -90, "maximum": 9007199254740993},
		"count": {"type": "integer", "multipleOf": 2},
		"unit": {"enum": ["C", "F"]},
		"at": {"type": "string", "format": "date-time"},
		"a/b~c": {"type": "boolean"},
		"list": {"type": "array", "items": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}},
		"either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
		"one": {"multipleOf": 0.25, "oneOf": [{"minimum": 100}, {"minimum": 0}]},
		"never": false
	},
	"additionalProperties": false
}`

func TestCheck(t *testing.T) {
	s, err := schema.Compile("reading", json.RawMessage(reading), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ value, path, reason string }{
		{`{"celsius":1,"unit":"C"}`, "", ""},
		{`{"celsius":9007199254740993,"unit":"C"}`, "", ""},
		{`{"celsius":9007199254740994,"unit":"C"}`, "/celsius", "it is more than the maximum of 9007199254740993"},
		{`{"celsius":9007199254740993.5,"unit":"C"}`, "/celsius", ""},
		{`{"celsius":1,"unit":"C","count":22.0}`, "", ""},
		{`{"celsius":1,"unit":"C","count":22.5}`, "/count", "got number, want integer"},
		{`{"celsius":1,"unit":"C","count":9007199254740993}`, "/count", ""},
		{`{"celsius":1,"unit":"C","count":9007199254740994}`, "", ""},
		{`{"celsius":"1","unit":"C"}`, "/celsius", "got string, want number"},
		{`{"unit":"K"}`, "", "missing property 'celsius'"},
		{`{"celsius":1,"unit":"K"}`, "/unit", "value must be one of 'C', 'F'"},
		{`{"celsius":1,"unit":"C","at":"yesterday"}`, "/at", ""},
		{`{"celsius":1,"unit":"C","at":"2026-02-30T00:00:00Z"}`, "/at", ""},
		{`{"celsius":1,"unit":"C","at":"2026-02-28T00:00:00Z"}`, "", ""},
		{`{"celsius":1,"unit":"C","a/b~c":1}`, "/a~1b~0c", "got number, want boolean"},
		{`{"celsius":1,"unit":"C","list":[{"x":1},{"x":2.5},{"x":"3"}]}`, "/list/1/x", "got number, want integer"},
		{`{"celsius":1,"unit":"C","either":1.5}`, "/either", "it is none of the alternatives"},
		{`{"celsius":-90.5,"unit":"C"}`, "/celsius", "it is less than the minimum of -90"},
		{`{"celsius":1,"unit":"C","one":0.1}`, "/one", "it is no multiple of 0.25"},
		{`{"celsius":1,"unit":"C","one":100.5}`, "/one", "it is more than one of the alternatives"},
		{`{"celsius":1,"unit":"C","zz":1,"xx":2}`, "/xx", "the schema has no such member"},
		{`{"celsius":1,"unit":"C","never":1}`, "/never", "the schema allows no value here"},
		{`{"celsius":1e999999999,"unit":"C"}`, "/celsius", "the exponent of 1e999999999 is beyond 1000, and the number cannot be compared"},
		{`{"celsius":NaN}`, "", "it is not JSON, at line 1, column 12: invalid character 'N' looking for beginning of value"},
		{`{"celsius":1} {}`, "", "it is not JSON: invalid character after top-level value"},
		{``, "", "it is not JSON: EOF"},
		{`null`, "", "got null, want object"},
	} {
		err := s.Check(json.RawMessage(c.value))
		good := c.path == "" && c.reason == ""
		if good {
			if err != nil {
				t.Errorf("%s: %v", c.value, err)
			}
			continue
		}
		var invalid *records.InvalidError
		if !errors.As(err, &invalid) || invalid.Path != c.path || c.reason != "" && invalid.Err.Error() != c.reason {
			t.Errorf("%s: %v, want %q %q", c.value, err, c.path, c.reason)
		}
	}
}

// TestLongReason: a value is not repeated in full.
func TestLongReason(t *testing.T) {
	s, err := schema.Compile("date", json.RawMessage(`{"format":"date-time"}`), "")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Check(json.RawMessage(`"` + strings.Repeat("é", 100_000) + `"`))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("%.400v", err)
	}
}

func TestCompileRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "inside/part.json", `{"type":"integer"}`)
	write(t, dir, "inside/bad.json", `{"type":`)
	write(t, dir, "outside.json", `{}`)
	inside := filepath.Join(dir, "inside")
	for _, c := range []struct{ text, want string }{
		{`{"$ref":"part.json"}`, ""},
		{`{"$ref":"./part.json#"}`, ""},
		{`{"type":"objekt"}`, "schema s: at /type: it is none of the alternatives"},
		{`{"properties":{"a":{"minimum":"1"}}}`, "schema s: at /properties/a/minimum: got string, want number"},
		{`{"maximum":1e999999999}`, "schema s: at /maximum: the exponent of 1e999999999 is beyond 1000, and the number cannot be compared"},
		{`[]`, "schema s: got array, want boolean or object"},
		{"{\n \"type\": }", "schema s: it is not JSON, at line 2, column 10: invalid character '}' looking for beginning of value"},
		{`{"$ref":"#"}`, "schema s: at #: the reference leads back to itself without going into the value, and no check would end"},
		{`{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}},"properties":{"x":{"$ref":"#/$defs/a"}}}`, "schema s: at #/$defs/a: the reference leads back to itself"},
		{`{"properties":{"child":{"$ref":"#"}}}`, ""},
		{`{"$ref":"#/$defs/none"}`, "$defs/none"},
		{`{"pattern":"(?=x)"}`, "(?=x)"},
		{`{"$ref":"https://example.com/x.json"}`, "schema s: the reference to https://example.com/x.json cannot be followed: nothing is loaded over a network; save it beside the schema and refer to the file"},
		{`{"$schema":"https://example.com/draft"}`, "nothing is loaded over a network"},
		{`{"$id":"https://example.com/me.json","$ref":"other.json"}`, "nothing is loaded over a network"},
		{`{"$ref":"ftp://example.com/x.json"}`, "can only name a place in the schema or a file beside it"},
		{`{"$ref":"../outside.json"}`, "outside of"},
		{`{"$ref":"file:///etc/passwd"}`, "outside of"},
		{`{"$ref":"none.json"}`, "none.json"},
		{`{"$ref":"bad.json"}`, "it is not JSON"},
		{strings.Repeat(" ", schema.MaxBytes+1), "schema s: it is longer than 1024 KiB"},
	} {
		_, err := schema.Compile("s", json.RawMessage(c.text), inside)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := schema.Compile("s", json.RawMessage(`{"$ref":"part.json"}`), ""); err == nil {
		t.Error("a schema without a directory reads a file")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/main.json", `{"$ref":"../b/part.json"}`)
	write(t, dir, "b/part.json", `{"type":"integer"}`)
	write(t, dir, "large.json", strings.Repeat(" ", 10<<20))
	main := filepath.Join(dir, "a", "main.json")
	if _, err := schema.Load(main, ""); err == nil || !strings.Contains(err.Error(), "outside of") {
		t.Errorf("without a wider directory: %v", err)
	}
	s, err := schema.Load(main, dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Check(json.RawMessage(`1`)) != nil || s.Check(json.RawMessage(`"1"`)) == nil {
		t.Error("the reference is not checked")
	}
	for _, name := range []string{"large.json", "none.json"} {
		if _, err := schema.Load(filepath.Join(dir, name), ""); err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "b", "part.json"), filepath.Join(dir, "a", "link.json")); err != nil {
		needed.Missing(t, "symbolic links: %v", err)
	}
	if _, err := schema.Compile("s", json.RawMessage(`{"$ref":"link.json"}`), filepath.Join(dir, "a")); err == nil {
		t.Error("a link leaves the directory")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
