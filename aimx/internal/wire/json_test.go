package wire

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzValidJSON compares with encoding/json.
func FuzzValidJSON(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `nul`, `-0`, `01`, `1.`, `1e999`, `"a`, `"\ud800"`, `"\ud800\u0041"`, `"\x"`, "\"\x00\"", "\"\xff\"", `{"a":1,"a":2}`,
		`{"a":1,}`, `{1:2}`, `[1,[],{"":null}]`, `[1 2]`, `1 2`, " \t\r\n1 ", "\ufeff1", `{"a" :-1.5E-3}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := ValidJSON(data), json.Valid(data) && utf8.Valid(data); got != want {
			t.Errorf("%q: %v, want %v", data, got, want)
		}
	})
}
