package aimdb

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// loose has what the two generations of JSON for Go treat differently.
type loose struct {
	Name     string
	Bytes    [3]byte
	Raw      []byte
	Wait     time.Duration
	Quoted   int `json:",string"`
	Inner    *struct{ X float64 }
	Any      any
	Map      map[string]int
	Optional []int `json:",omitempty"`
}

// A value that encoding/json reads is read as encoding/json reads it, and what
// it refuses is refused.
func TestUnmarshalIsEncodingJSON(t *testing.T) {
	for _, text := range []string{
		`{"Name":"x","Bytes":[1,2,3],"Raw":"AQI=","Wait":1500000000,"Quoted":"7","Inner":{"X":1e3},"Any":[1,"a",null],"Map":{"a":1}}`,
		`{"name":"other case","NAME":"last one wins","wait":1}`,
		`{"Name":"a","Name":"twice"}`,
		`{"Name":null,"Inner":null,"Map":null,"Bytes":[1],"unknown":{"x":[]}}`,
		"{\"Name\":\"\xff broken UTF-8\"}",
		`{"Bytes":[1,2,3,4]}`, `{"Raw":"not base64!"}`, `{"Wait":"1s"}`, `{"Quoted":7}`, `{"Name":1}`,
		`{"Name":"x"} x`, `{"Name":"x"`, ``, `null`, `[]`, `{"Map":{"a":1.5}}`,
	} {
		var got, want loose
		failed, refused := unmarshal([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		if (failed == nil) != (refused == nil) {
			t.Errorf("%s: %v, and encoding/json says %v", text, failed, refused)
		} else if failed == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, and encoding/json reads %+v", text, got, want)
		}
	}
}
