package jsonshape_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// TestPathOf: the pointer of what Check or the decoder refuses.
func TestPathOf(t *testing.T) {
	type inner struct {
		ID   int      `json:"id"`
		Tags []string `json:"tags,omitempty"`
	}
	type embedded struct {
		Level int8 `json:"level,omitempty"`
	}
	type value struct {
		embedded
		N     int                `json:"n"`
		Odd   int                `json:"a/b~c,omitempty"`
		List  []inner            `json:"list,omitempty"`
		By    map[string]inner   `json:"by,omitempty"`
		Two   [2]float64         `json:"two,omitzero"`
		Deep  map[string][][]int `json:"deep,omitempty"`
		Inner *inner             `json:"inner,omitempty"`
	}
	shape := jsonshape.Of(reflect.TypeFor[value]())
	for text, want := range map[string]string{
		`{"n":1}`:                          "-",
		`7`:                                "",
		`null`:                             "",
		`{}`:                               "/n",
		`{"n":null}`:                       "/n",
		`{"n":"x"}`:                        "/n",
		`{ "n" : 1.5 }`:                    "/n",
		`{"n":1,"a/b~c":true}`:             "/a~1b~0c",
		`{"n":1,"list":{}}`:                "/list",
		`{"n":1,"list":[{"id":1},{}]}`:     "/list/1/id",
		`{"n":1,"list":[{"id":1},7]}`:      "/list/1",
		`{"n":1,"list":[{"id":[]}]}`:       "/list/0/id",
		`{"n":1,"list":[{"id":"x"}]}`:      "/list/0/id",
		`{"x":{"n":[]},"n":1,"level":999}`: "/level",
		`{"n":1,"by":{"a b":{"id":1},"\u0022/":{"id":"x"}}}`: "/by/\"~1/id",
		`{"n":1,"by":{"v":{"id":1,"tags":["a", 7]}}}`:        "/by/v/tags/1",
		`{"n":1,"two":[1]}`:                           "/two",
		`{"n":1,"two":[1,"x"]}`:                       "/two/1",
		`{"n":1,"deep":{"":[[1],[2,true]]}}`:          "/deep//1/1",
		`{"n":1,"inner":{"id":99999999999999999999}}`: "/inner/id",
		`{"n":true,"list":[]}`:                        "/n",
	} {
		decodable, err := shape.Check([]byte(text))
		if err == nil {
			err = json.Unmarshal(decodable, new(value))
		}
		got := "-"
		if err != nil {
			got = jsonshape.PathOf([]byte(text), err)
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", text, got, want, err)
		}
	}
}
