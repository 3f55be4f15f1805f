package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/aimdb-go/aimdb/sinks"
)

// storedValues makes a history with values that formats may change, and serves it.
func storedValues(t *testing.T) (db, socket string) {
	t.Helper()
	db = filepath.Join(t.TempDir(), "history.db")
	fillHistory(t, db, []sinks.Entry{
		{Sequence: 1, Record: "big", Time: base, Value: []byte(`9007199254740993`)},
		{Sequence: 2, Record: "temp::東京", Time: base + 1000, Value: []byte(`{"celsius":22.0,"text":"a, \"b\"","none":null,"list":[1,{"x":[]}]}`)},
		{Sequence: 3, Record: "word", Time: base + 2000, Value: []byte(`"no"`)},
	})
	socket, _ = serveHistory(t, db)
	return db, socket
}

// TestFormatsOfRows: each format has all members and digits of the same rows, from a running
// database and from a file.
func TestFormatsOfRows(t *testing.T) {
	db, socket := storedValues(t)
	for format, want := range map[string]string{
		"table": `RECORD      TIME                      VALUE
big         2023-11-14T22:13:20.000Z  9007199254740993
temp::東京  2023-11-14T22:13:21.000Z  {"celsius":22.0,"text":"a, \"b\"","none":null,"list":[1,{"x":[]}]}
word        2023-11-14T22:13:22.000Z  "no"
`,
		"ndjson": `{"record":"big","time":1700000000000,"value":9007199254740993}
{"record":"temp::東京","time":1700000001000,"value":{"celsius":22.0,"text":"a, \"b\"","none":null,"list":[1,{"x":[]}]}}
{"record":"word","time":1700000002000,"value":"no"}
`,
		"json": `[
{"record":"big","time":1700000000000,"value":9007199254740993},
{"record":"temp::東京","time":1700000001000,"value":{"celsius":22.0,"text":"a, \"b\"","none":null,"list":[1,{"x":[]}]}},
{"record":"word","time":1700000002000,"value":"no"}
]
`,
		"csv": `record,time,value
big,1700000000000,9007199254740993
temp::東京,1700000001000,"{""celsius"":22.0,""text"":""a, \""b\"""",""none"":null,""list"":[1,{""x"":[]}]}"
word,1700000002000,"""no"""
`,
		"yaml": `---
record: big
time: 1700000000000
value: 9007199254740993
---
record: "temp::東京"
time: 1700000001000
value:
  celsius: 22.0
  text: "a, \"b\""
  none: null
  list:
    - 1
    - x: []
---
record: word
time: 1700000002000
value: "no"
`,
	} {
		for _, args := range [][]string{
			{"record", "query", "#", "--connect", socket},
			{"record", "query", "#", "--connect", socket, "--all"},
			{"history", "query", db, "#", "--range"},
			{"history", "export", socket},
		} {
			if out := aimdb(t, append(args, "--format", format)...).ok(t); out != want {
				t.Errorf("%v as %s:\n%s\nwant\n%s", args, format, out, want)
			}
		}
	}
}

// TestFormatsOfNothing: an empty answer is a line on stderr, an empty array or a head.
func TestFormatsOfNothing(t *testing.T) {
	db := historyFile(t, 3)
	for format, want := range map[string]string{"table": "", "json": "[]\n", "ndjson": "", "csv": "record,time,value\n", "yaml": ""} {
		r := aimdb(t, "history", "query", db, "nobody", "--format", format)
		if out := r.ok(t); out != want || (format == "table") != (r.stderr == "no rows\n") {
			t.Errorf("%s: %q, and on stderr %q", format, out, r.stderr)
		}
	}
	aimdb(t, "history", "query", db, "#", "--format", "xml").fails(t, exitUsage, "table, json, ndjson, csv, yaml")
}

// TestFormatsOfOneObject: a single object is no array, and CSV has its list.
func TestFormatsOfOneObject(t *testing.T) {
	db, socket := storedValues(t)
	for _, target := range []string{db, socket} {
		var stats struct{ Rows int }
		for _, format := range []string{"json", "ndjson"} {
			if err := json.Unmarshal([]byte(aimdb(t, "history", "stats", target, "--format", format).ok(t)), &stats); err != nil || stats.Rows != 3 {
				t.Errorf("%s: %+v, %v", format, stats, err)
			}
		}
		stats.Rows = 0
		if err := yaml.Unmarshal([]byte(aimdb(t, "history", "stats", target, "--format", "yaml").ok(t)), &stats); err != nil || stats.Rows != 3 {
			t.Errorf("yaml: %+v, %v", stats, err)
		}
		lines, err := csv.NewReader(strings.NewReader(aimdb(t, "history", "stats", target, "--format", "csv").ok(t))).ReadAll()
		if err != nil || len(lines) != 4 || lines[0][0] != "record" || lines[1][0] != "big" {
			t.Errorf("csv: %q, %v", lines, err)
		}
	}
}

// TestYAMLHoldsWhatJSONHolds reads what is printed with a reader of others.
func TestYAMLHoldsWhatJSONHolds(t *testing.T) {
	for _, value := range []string{
		`null`, `true`, `0`, `-0.5`, `22.0`, `1e21`, `1E-7`, `-9223372036854775808`, `18446744073709551615`, `[]`, `{}`, `""`,
		`[[1,[2,[]],{}],{"a":{"b":[{"c":1,"d":[2]}]}}]`, `{"":1,"a b":2,"#":3,"no":4,"- x":5,"1":6,"a:":7,"?":8,"\n":9}`,
		`["yes","No","on","~","null","1","1e5","0x1f","0o7","2026-01-02","12:30:45","a: b","a #b","- a","a\nb","a\tb","\u007f\u0085\ufeff","'","\"","\\","{","*a","&a","!a","|","%","@","` + "`" + `","=","<<",".inf","---","a::b","Wien 1","ö","🌦"]`,
	} {
		var text strings.Builder
		cmd := newRoot(func(string) string { return "" })
		cmd.SetOut(&text)
		if err := printOne(cmd, asYAML, layout{}, json.RawMessage(value)); err != nil {
			t.Fatal(err)
		}
		var got, want any
		decoder := json.NewDecoder(strings.NewReader(value))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(text.String()), &got); err != nil {
			t.Errorf("%s as YAML\n%s: %v", value, &text, err)
		} else if got = withNumbers(got); !reflect.DeepEqual(got, withNumbers(want)) {
			t.Errorf("%s as YAML\n%sis %#v", value, &text, got)
		}
	}
}

// withNumbers returns a decoded value whose numbers are texts.
func withNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for key, value := range v {
			all[key] = withNumbers(value)
		}
		return all
	case []any:
		all := []any{}
		for _, value := range v {
			all = append(all, withNumbers(value))
		}
		return all
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return withNumbers(f)
		}
		return "number " + v.String()
	case float64:
		return "number " + strconv.FormatFloat(v, 'e', -1, 64)
	case int, int64, uint64:
		return fmt.Sprint("number ", v)
	}
	return v
}

// TestColumnsOfCSVAreThoseOfTheType: also of members that a row leaves out.
func TestColumnsOfCSVAreThoseOfTheType(t *testing.T) {
	type inner struct {
		Depth int `json:"depth"`
	}
	type row struct {
		Name string `json:"name"`
		*inner
		Value json.RawMessage `json:"value,omitempty"`
		List  []int           `json:"list"`
		Note  string          `json:"note,omitempty"`
		Yes   *bool           `json:"yes"`
		Hid   int             `json:"-"`
	}
	var text strings.Builder
	cmd := newRoot(func(string) string { return "" })
	cmd.SetOut(&text)
	rows := []row{
		{Name: "a\n\"b\",", Value: json.RawMessage(`"x"`), List: []int{1, 2}, Note: "n"},
		{Name: "<b>", inner: &inner{3}},
	}
	if err := printAll(cmd, asCSV, layout{}, each(rows), nil); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	want := [][]string{{"name", "depth", "value", "list", "note", "yes"}, {"a\n\"b\",", "", `"x"`, "[1,2]", "n", ""}, {"<b>", "3", "", "", "", ""}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

// TestEarlierFlags: flags that had other names are still taken.
func TestEarlierFlags(t *testing.T) {
	db := historyFile(t, 6)
	r := aimdb(t, "history", "export", db, "#", "--as", "csv", "--start", "1700000005000", "--end", "1700000005000")
	if out := r.ok(t); strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, csvHead) || !strings.Contains(r.stderr, "--as is deprecated; write --format") {
		t.Errorf("got %q and %q", out, r.stderr)
	}
}
