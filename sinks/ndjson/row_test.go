package ndjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

func TestRow(t *testing.T) {
	for _, c := range []struct{ record, value, want string }{
		{"a::b", ` {"x" : 1}`, `{"record":"a::b","time":7,"value": {"x" : 1}}`},
		{"grün", "[1,\r\n 2]", `{"record":"grün","time":7,"value":[1,2]}`},
		{`a"\`, "null", `{"record":"a\"\\","time":7,"value":null}`},
		{"a<b>&", `"<"`, `{"record":"a\u003cb\u003e\u0026","time":7,"value":"<"}`},
	} {
		line, err := ndjson.AppendRow([]byte("before\n"), history.Row{Record: c.record, Time: 7, Value: []byte(c.value)})
		if err != nil || string(line) != "before\n"+c.want+"\n" {
			t.Errorf("%q: the line is %q (%v)", c.record, line, err)
		}
		var back row
		if err := json.Unmarshal(line[7:], &back); err != nil || back.Record != c.record {
			t.Errorf("%q came back as %q (%v)", c.record, back.Record, err)
		}
	}
}

func TestCheckRow(t *testing.T) {
	good := history.Row{Record: "a::b", Time: 1, Value: []byte("1")}
	if err := ndjson.CheckRow(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*history.Row){
		"key": func(r *history.Row) { r.Record = "" }, "early": func(r *history.Row) { r.Time = -1 },
		"late": func(r *history.Row) { r.Time = 253402300800000 }, "value": func(r *history.Row) { r.Value = []byte("{") },
	} {
		bad := good
		if change(&bad); ndjson.CheckRow(bad) == nil {
			t.Errorf("%s: %+v passes", name, bad)
		}
	}
}

// FuzzCheckRow: exactly the values that follow the rule for JSON pass, and the line of
// each is one line with the same value.
func FuzzCheckRow(f *testing.F) {
	for _, value := range []string{
		`{"a":1,"a":[2]}`, "[1,\r\n2]", `"\ud800"`, "\xff", "\ufeff1", "1 2", "", "{", "\"\x00\"", "1e999", `"\u00e9` + "\u2028\"",
		strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("[", 101) + strings.Repeat("]", 101),
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r := history.Row{Record: "a", Time: 1, Value: value}
		want, got := jsonrule.Check(value), ndjson.CheckRow(r)
		if (want == nil) != (got == nil) {
			t.Fatalf("%q: %v, want %v", value, got, want)
		}
		if got != nil {
			return
		}
		line, err := ndjson.AppendRow(nil, r)
		if err != nil || bytes.IndexByte(line, '\n') != len(line)-1 || bytes.IndexByte(line, '\r') >= 0 {
			t.Fatalf("%q: the line is %q (%v)", value, line, err)
		}
		var back row
		var one, other bytes.Buffer
		if err := errors.Join(json.Unmarshal(line, &back), json.Compact(&one, back.Value), json.Compact(&other, value)); err != nil || one.String() != other.String() {
			t.Fatalf("%q came back as %q (%v)", value, back.Value, err)
		}
	})
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]ndjson.Option{
		"name": ndjson.Name(""), "logger": ndjson.Logger(nil), "bytes": ndjson.RotateBytes(0),
		"every": ndjson.RotateEvery(-1), "for": ndjson.KeepFor(-1), "keep": ndjson.KeepBytes(-1),
	} {
		if _, err := ndjson.Open(t.TempDir(), o); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if s := open(t, t.TempDir(), ndjson.Name("archive")); s.Name() != "archive" {
		t.Errorf("the name is %q", s.Name())
	}
}
