package wire

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/history"
)

func TestDecodePage(t *testing.T) {
	got, err := DecodePage([]byte(` {"rows":[{"record":"a \"b\"","time":-5,"value": {"n":[1,"}"]} ,"shape":2,"later":{}},{"value":null},{"record":"c","time":9223372036854775807,"value":1}],"left_out":3,"max_id":7,"next":"\u00fc","later":[1]}`))
	want := PageAnswer{LeftOut: 3, Page: history.Page{MaxID: 7, Next: "ü", Rows: []history.Row{
		{Record: `a "b"`, Time: -5, Value: []byte(`{"n":[1,"}"]}`), Shape: 2}, {Value: []byte("null")}, {Record: "c", Time: 1<<63 - 1, Value: []byte("1")},
	}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, wrong := range []string{
		``, `null`, `[]`, `{`, `{}1`, `{"rows":{}}`, `{"rows":[1]}`, `{"rows":[{}`, `{"rows":[{"record":1}]}`, `{"rows":[{"time":"1"}]}`,
		`{"rows":[{"time":1.5}]}`, `{"rows":[{"shape":true}]}`, `{"left_out":99999999999999999999}`, `{"next":1}`, `{"rows":[null]}`,
	} {
		if got, err := DecodePage([]byte(wrong)); err == nil {
			t.Errorf("%s is read as %+v", wrong, got)
		}
	}
}

// FuzzDecodePage compares with encoding/json, which also takes other spellings of names.
func FuzzDecodePage(f *testing.F) {
	f.Add([]byte(`{"rows":[{"record":"a","time":5,"value":{"n":1}},{"record":"a","time":6,"value":"\n","shape":1}],"left_out":1,"max_id":4,"next":"x"}`))
	f.Add([]byte(`{"rows":null,"max_id":null,"next":null,"max_id":2}`))
	f.Add([]byte(`{"rows":[{"record":"\ud800"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := DecodePage(data)
		if err != nil || !utf8.Valid(data) {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatalf("took %q: %v", data, err)
		}
		var next string
		if raw := members["next"]; raw != nil && string(raw) != "null" && (json.Unmarshal(raw, &next) != nil || next != got.Next) {
			t.Errorf("%q: next %q, want %q", data, got.Next, next)
		}
		for _, row := range got.Rows {
			if len(row.Value) > 0 && !json.Valid(row.Value) {
				t.Errorf("%q: the value %q", data, row.Value)
			}
		}
	})
}
