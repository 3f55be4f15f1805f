package jsonrule_test

import (
	"testing"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

func TestAt(t *testing.T) {
	name := func(names ...string) (path []jsonrule.Step) {
		for _, n := range names {
			path = append(path, jsonrule.Step{Name: n})
		}
		return path
	}
	element := func(n int) jsonrule.Step { return jsonrule.Step{Index: n} }
	for _, c := range []struct {
		value string
		path  []jsonrule.Step
		want  string
	}{
		{" 1 ", nil, "1"},
		{`{"a":1}`, name("a"), "1"},
		{`{ "b" : [ ] , "a" : -1.5e3 }`, name("a"), "-1.5e3"},
		{`{"a":1,"b":2,"a":"last"}`, name("a"), `"last"`},
		{`{"a":{"x":1},"a":{"y":2}}`, name("a", "x"), ""},
		{`{"\u0061":{"\"":true}}`, name("a", `"`), "true"},
		{`{"a":{"a":{"a":null}}}`, name("a", "a", "a"), "null"},
		{`[0,[1,{"t":[2,"]",3]}],4]`, []jsonrule.Step{element(1), element(1), {Name: "t"}, element(2)}, "3"},
		{`[0]`, []jsonrule.Step{element(1)}, ""},
		{`[]`, []jsonrule.Step{element(0)}, ""},
		{`{}`, name("a"), ""},
		{`{"0":1}`, []jsonrule.Step{element(0)}, ""},
		{`[1]`, name("a"), ""},
		{`"a"`, name("a"), ""},
		{`7`, []jsonrule.Step{element(0)}, ""},
		{`{"ü":"\\"}`, name("ü"), `"\\"`},
	} {
		if got := string(jsonrule.At([]byte(c.value), c.path)); got != c.want {
			t.Errorf("%s at %v is %q, want %q", c.value, c.path, got, c.want)
		}
	}
}
