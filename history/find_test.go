package history

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	name := func(names ...string) (path Path) {
		for _, n := range names {
			path = append(path, PathStep{Name: n})
		}
		return path
	}
	element := func(n int) PathStep { return PathStep{Index: n} }
	pointer := func(text string) Path {
		path, err := ParsePath(text)
		if err != nil {
			t.Error(err)
		}
		return path
	}
	for _, c := range []struct {
		value string
		path  Path
		want  string
	}{
		{" 1 ", nil, "1"},
		{`{"a":1}`, name("a"), "1"},
		{`{ "b" : [ ] , "a" : -1.5e3 }`, name("a"), "-1.5e3"},
		{`{"a":1,"b":2,"a":"last"}`, name("a"), `"last"`},
		{`{"a":{"x":1},"a":{"y":2}}`, name("a", "x"), ""},
		{`{"\u0061":{"\"":true}}`, name("a", `"`), "true"},
		{`{"a":{"a":{"a":null}}}`, name("a", "a", "a"), "null"},
		{`[0,[1,{"t":[2,"]",3]}],4]`, Path{element(1), element(1), {Name: "t"}, element(2)}, "3"},
		{`[0]`, Path{element(1)}, ""},
		{`[]`, Path{element(0)}, ""},
		{`{}`, name("a"), ""},
		{`{"0":1}`, Path{element(0)}, ""},
		{`[1]`, name("a"), ""},
		{`"a"`, name("a"), ""},
		{`7`, Path{element(0)}, ""},
		{`{"ü":"\\"}`, name("ü"), `"\\"`},
		{`[[5,6]]`, pointer("/0/1"), "6"},
		{`{"0":{"a/b~":7}}`, pointer("/0/a~1b~0"), "7"},
		{`{"0":1}`, pointer("/00"), ""},
		{`{"~1":{"a.b":8}}`, pointer("/~01/a.b"), "8"},
	} {
		if got := string(c.path.find([]byte(c.value))); got != c.want {
			t.Errorf("%s at %v is %q, want %q", c.value, c.path, got, c.want)
		}
	}
}

func TestParsePathRefusesWhatIsNoJSONPointer(t *testing.T) {
	for _, text := range []string{"/", "/a/", "//a", "/a~", "/a~2b"} {
		if path, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), "JSON Pointer") {
			t.Errorf("%q is %v, %v", text, path, err)
		}
	}
}
