package jsonshape_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

type inner struct {
	ID   int    `json:"id"`
	Note string `json:"note,omitempty"`
}

type Lower struct {
	Deep   float64
	Hidden int `json:"shared"`
}

type own struct{ _ int }

func (o *own) UnmarshalJSON([]byte) error { return nil }

type tree struct {
	Name     string          `json:"name"`
	Children []tree          `json:"children"`
	By       map[string]tree `json:"by,omitempty"`
	Parent   *tree           `json:"parent"`
}

type wide struct {
	inner
	*Lower
	Shared   string             `json:"shared"`
	When     time.Time          `json:"when"`
	Own      own                `json:"own"`
	Addr     netip.Addr         `json:"addr,omitzero"`
	Pair     [2]inner           `json:"pair"`
	ByCity   map[string][]inner `json:"by_city"`
	ByNumber map[int]*float32   `json:"by_number"`
	Any      any                `json:"any"`
	Bytes    []byte             `json:"bytes"`
	Text     float64            `json:"text,string"`
	Maybe    *float64           `json:"maybe"`
	Skipped  float64            `json:"-"`
	//lint:ignore SA5008 the name is meant to be a dash
	Dash float64 `json:"-,"`
	//lint:ignore SA5008 the name is meant to be invalid
	Bad    int             `json:"b\"ad"`
	Raw    json.RawMessage `json:"raw"`
	Number json.Number     `json:"number"`
	Matrix [][]float64     `json:"matrix"`
	_      int
}

// complete is a value of type wide with all members that are not optional.
const complete = `{"id":1,"shared":"x","when":"2026-01-02T03:04:05Z","own":null,"pair":[{"id":1},{"id":2}],"by_city":{"vienna":[{"id":3}]},` +
	`"by_number":{"1":2.5,"2":null},"any":null,"bytes":null,"text":"1","-":1,"Bad":2,"raw":null,"number":3,"matrix":[[1],null]}`

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, from, to, says string
	}{
		{"complete", "", "", ""},
		{"white space", `{"id":1,"shared"`, " {\n\"id\" :\t1 ,\"shared\"", ""},
		{"unknown members", `"id":1`, `"id":1,"new":{"a":["}",null]},"Deep":1`, ""},
		{"an optional member that is there", `"id":1`, `"id":1,"note":"n","maybe":1,"addr":"::1"`, ""},
		{"an escaped name", `"id":1`, `"\u0069d":1`, ""},
		{"a member twice", `"id":1`, `"id":1,"id":2`, ""},
		{"a missing member of an embedded struct", `"id":1,`, ``, `the member id is missing`},
		{"a missing name without a valid tag", `"Bad":2,`, ``, `the member Bad is missing`},
		{"a missing slice", `"bytes":null,`, ``, `the member bytes is missing`},
		{"a missing interface", `"any":null,`, ``, `the member any is missing`},
		{"another case", `"id":1`, `"ID":1`, `the member id is missing`},
		{"a missing member in an array", `"pair":[{"id":1},{"id":2}]`, `"pair":[{"id":1},{"note":""}]`, `the member pair[1].id is missing`},
		{"a missing member in a map of slices", `[{"id":3}]`, `[{"id":3},{}]`, `the member by_city["vienna"][1].id is missing`},
		{"an array too short", `"pair":[{"id":1},{"id":2}]`, `"pair":[{"id":1}]`, `the member pair has 1 elements and not 2`},
		{"null for a number", `"id":1`, `"id":null`, `the member id is null`},
		{"null twice", `"id":1`, `"id":null,"id":1`, `the member id is null`},
		{"null for an optional text", `"id":1`, `"id":1,"note":null`, `the member note is null`},
		{"null for a struct", `{"id":2}`, `null`, `the member pair[1] is null`},
		{"null for a number in a list", `[[1],null]`, `[[1,null]]`, `the member matrix[0][1] is null`},
		{"null for text with UnmarshalText", `"id":1`, `"id":1,"addr":null`, `the member addr is null`},
		{"null for a number written as text", `"text":"1"`, `"text":null`, `the member text is null`},
		{"null for a json.Number", `"number":3`, `"number":null`, `the member number is null`},
		{"no object", `{"id":2}`, `"x"`, `the member pair[1] is a string and not an object`},
		{"no array", `[[1],null]`, `{}`, `the member matrix is an object and not an array`},
		{"no map", `{"vienna":[{"id":3}]}`, `true`, `the member by_city is a boolean and not an object`},
	} {
		value := strings.Replace(complete, c.from, c.to, 1)
		if c.from != "" && value == complete {
			t.Fatalf("%s: nothing replaced", c.name)
		}
		decodable, err := jsonshape.Of(reflect.TypeFor[wide]()).Check([]byte(value))
		switch {
		case c.says == "" && err != nil, c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), c.says)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		case err == nil:
			if err := json.Unmarshal(decodable, new(wide)); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	for says, value := range map[string]string{"the value is null": `null`, "the value is a number": `1`} {
		if _, err := jsonshape.Of(reflect.TypeFor[inner]()).Check([]byte(value)); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s: %v", value, err)
		}
	}
	if _, err := jsonshape.Of(reflect.TypeFor[*inner]()).Check([]byte(`null`)); err != nil {
		t.Error(err)
	}
}

// TestCheckRecursion: a type that has itself inside is checked at every level.
func TestCheckRecursion(t *testing.T) {
	s := jsonshape.Of(reflect.TypeFor[tree]())
	if _, err := s.Check([]byte(`{"name":"a","children":[{"name":"b","children":null,"parent":{"name":"c","children":[]}}]}`)); err != nil {
		t.Error(err)
	}
	_, err := s.Check([]byte(`{"name":"a","children":[{"name":"b","children":null,"by":{"x":{"children":[]}}}]}`))
	if err == nil || !strings.HasPrefix(err.Error(), `the member children[0].by["x"].name is missing`) {
		t.Error(err)
	}
}

// TestOtherCase: encoding/json takes a member whose name differs in case only, and
// the check keeps it from that.
func TestOtherCase(t *testing.T) {
	value := []byte(`{"id":1,"ID":2,"NOTE":"n","i\u0064":3,"Id":4}`)
	before := bytes.Clone(value)
	decodable, err := jsonshape.Of(reflect.TypeFor[inner]()).Check(value)
	var v inner
	if err != nil || json.Unmarshal(decodable, &v) != nil || v != (inner{ID: 3}) {
		t.Errorf("got %+v, %v from %q", v, err, decodable)
	}
	if !bytes.Equal(value, before) {
		t.Error("the value was changed")
	}
}

func TestFloats(t *testing.T) {
	type point struct {
		X     float64 `json:"x"`
		Y     float32 `json:"y,omitempty"`
		Count int     `json:"count"`
	}
	three := 3.0
	for _, c := range []struct {
		value any
		want  string
	}{
		{22.0, `22.0`}, {22.5, `22.5`}, {math.Copysign(0, -1), `-0.0`}, {1e20, `100000000000000000000.0`}, {1e21, `1e+21`}, {1e-7, `1e-7`},
		{float32(7), `7.0`}, {7, `7`}, {"22", `"22"`}, {any(map[string]any{"a": 22.0}), `{"a":22}`},
		{point{1, 0, 2}, `{"x":1.0,"count":2}`}, {point{1.5, 2, 3}, `{"x":1.5,"y":2.0,"count":3}`}, {point{1.5, 2.5, 3}, `{"x":1.5,"y":2.5,"count":3}`},
		{&point{1, 0, 2}, `{"x":1.0,"count":2}`}, {(*point)(nil), `null`},
		{map[string]float64{`a"\`: 1, "b": 2.5}, `{"a\"\\":1.0,"b":2.5}`}, {map[int][]float64{1: {1, 2.5, 3}, 2: nil}, `{"1":[1.0,2.5,3.0],"2":null}`},
		{[]float64{1}, `[1.0]`}, {[]float64{}, `[]`}, {[]float64(nil), `null`}, {[2]*float64{&three, nil}, `[3.0,null]`},
		{wide{Text: 1, Dash: 1, Matrix: [][]float64{{1}}, Lower: &Lower{Deep: 2}}, ``},
		{struct {
			A string
			B float64
		}{"\"},1", 1}, `{"A":"\"},1","B":1.0}`},
	} {
		v := reflect.New(reflect.TypeOf(c.value)).Elem()
		v.Set(reflect.ValueOf(c.value))
		raw, err := jsonshape.NewEncoder().Encode(jsonshape.Of(v.Type()), v)
		got := string(raw)
		if c.want != "" && got != c.want || err != nil {
			t.Errorf("%s became %s, want %s, %v", encoded(t, c.value), got, c.want, err)
		}
		if _, is := c.value.(wide); is && (!strings.Contains(got, `"text":"1"`) || !strings.Contains(got, `"-":1.0`) || !strings.Contains(got, `"matrix":[[1.0]]`) || !strings.Contains(got, `"Deep":2.0`)) {
			t.Errorf("got %s", got)
		}
	}
}

// encoded encodes as package records does.
func encoded(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
