package records_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// trip sets what it got, for one random value of a type.
type trip func(t *testing.T, r *rand.Rand)

// trips are types of many kinds.
func trips() []trip {
	return []trip{
		roundTrip[int8], roundTrip[float32], roundTrip[string], roundTrip[*int], roundTrip[any], roundTrip[json.RawMessage],
		roundTrip[[]float64], roundTrip[[3]struct{ A, B float64 }], roundTrip[map[string]map[int]*float64], roundTrip[[]byte],
		roundTrip[map[uint8][]temperature], roundTrip[time.Time], roundTrip[netip.Addr], roundTrip[[]*time.Time],
		roundTrip[mixed], roundTrip[branch],
		roundTrip[struct {
			temperature
			*Embedded
			Count int `json:"count,string"`
		}],
		roundTrip[struct {
			embedded
			F []float64
			T *time.Time `json:",omitempty"`
			Z float32    `json:"z,omitzero"`
			S struct{}   `json:"s,omitempty"`
			N *any
		}],
		roundTrip[struct {
			Untagged
			Tagged
			Left
			Right
		}],
		roundTrip[struct {
			Embedded
			Twice
			Any any
		}],
		roundTrip[struct {
			A float64 `json:"-"`
			//lint:ignore SA5008 the name is meant to be a dash
			B float64  `json:"-,"`
			C *float64 `json:",string,omitempty"`
			D float64  `json:"d d,string"`
			E int      `json:"e,omitzero"`
			//lint:ignore SA5008 the name is meant to be invalid
			F string   `json:"a\\b,string"`
			G bool     `json:"<&>,string"`
			H []string `json:"ü,omitempty"`
			_ int
		}],
	}
}

type temperature float32

// Embedded is embedded by value and by a pointer that may be nil.
type Embedded struct {
	Inner float64
	Count string `json:"count"`
	Other []*Embedded
}

// embedded is embedded by value only, as encoding/json requires.
type embedded struct {
	Lower float64
	When  time.Time
	Over  *Embedded `json:"over,omitempty"`
	_     float64
}

// A name of a tag counts more than that of a field, and fields of a struct that is
// embedded twice hide each other.
type (
	Untagged struct{ Same, Else float64 }
	Tagged   struct {
		X float64 `json:"Same"`
	}
	Left  struct{ Base }
	Right struct{ Base }
	Base  struct{ Dup float64 }
)

// Twice hides a field of Embedded and is hidden by it.
type Twice struct {
	Inner int
	Count string
	Name  temperature `json:"name"`
}

type branch struct {
	Value float64            `json:"value"`
	Next  *branch            `json:"next"`
	Kids  []branch           `json:"kids"`
	By    map[string]*branch `json:"by,omitempty"`
}

type mixed struct {
	I    int64
	U    uint64
	S    string
	B    bool
	F    float64
	At   time.Time
	Addr netip.Addr `json:"addr,omitzero"`
	Raw  json.RawMessage
	Num  json.Number
	Grid [2][]uint16
	M    map[string]float32
	Deep struct {
		P **float64
		E struct{}
	}
}

// roundTrip produces a random value, sets what it gets, and gets the same again.
func roundTrip[T any](t *testing.T, random *rand.Rand) {
	t.Helper()
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[T](t, r, "a", records.Config{Kind: records.Latest})
	var v T
	fill(random, reflect.ValueOf(&v).Elem(), 0)
	record.Produce(v)
	first, _, _, err := record.Untyped().Get()
	if err != nil {
		t.Fatalf("%T: get %+v: %v", v, v, err)
	}
	if err := record.Untyped().Set(first); err != nil {
		t.Fatalf("%T: set what was got: %v\n%s", v, err, first)
	}
	second, _, _, err := record.Untyped().Get()
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%T: got %s, set it and got %s, %v", v, first, second, err)
	}
	var written bytes.Buffer
	e := json.NewEncoder(&written)
	e.SetEscapeHTML(false)
	if err := e.Encode(&v); err != nil || !slices.Equal(tokens(t, written.Bytes()), tokens(t, first)) {
		t.Fatalf("%T: encoding/json writes %s, %v, and the record %s", v, written.Bytes(), err, first)
	}
}

// tokens returns the tokens of JSON, without the fractions of whole numbers.
func tokens(t *testing.T, raw []byte) (all []json.Token) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, is := token.(json.Number); is {
			token = json.Number(strings.TrimSuffix(n.String(), ".0"))
		}
		all = append(all, token)
	}
}

// fill sets a value that JSON can carry.
func fill(r *rand.Rand, v reflect.Value, depth int) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).UTC()
		return
	case *netip.Addr:
		if r.IntN(2) == 0 {
			*p = netip.AddrFrom4([4]byte{1, 2, 3, byte(r.Uint32())})
		}
		return
	case *json.RawMessage:
		*p = json.RawMessage([]string{`{"a":[1,2.0]}`, `null`, `"x"`, `7`}[r.IntN(4)])
		return
	case *json.Number:
		*p = json.Number(fmt.Sprint(r.IntN(100)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(64))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(r.IntN(2000)-1000) / []float64{1, 1, 10, 7, 1e-25, 1e9}[r.IntN(6)])
	case reflect.String:
		v.SetString([]string{"", "vienna", `a"\,}]:1.0`, "\u2028<ü>\x7f", "null"}[r.IntN(5)])
	case reflect.Interface:
		if v.NumMethod() == 0 && r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(map[string]any{"a": 22.0, "b": nil, "c": "x"}))
		}
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if depth < 4 && r.IntN(4) > 0 {
			fillReference(r, v, depth)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(r, v.Field(i), depth+1)
			}
		}
	}
}

func fillReference(r *rand.Rand, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		for i := range v.Len() {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(3) {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, key, depth+1)
			fill(r, elem, depth+1)
			v.SetMapIndex(key, elem)
		}
	}
}

// TestWhatWasGotCanBeSet: for any value of a type, Set takes what Get returned.
func TestWhatWasGotCanBeSet(t *testing.T) {
	for i, one := range trips() {
		for seed := range uint64(200) {
			one(t, rand.New(rand.NewPCG(uint64(i), seed)))
		}
	}
}

// TestValueThatPointsToItself: JSON cannot carry it.
func TestValueThatPointsToItself(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[*branch](t, r, "a", records.Config{Kind: records.Latest})
	v := &branch{Value: 1}
	v.Next = v
	record.Produce(v)
	if _, _, _, err := record.Untyped().Get(); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("got %v", err)
	}
}

// FuzzWhatWasGotCanBeSet is the same for values of any seed, and feeds any text to Set:
// what it takes, it takes again as Get returns it.
func FuzzWhatWasGotCanBeSet(f *testing.F) {
	f.Add(uint8(0), uint64(1), uint64(2), `{"value":1,"next":null,"kids":[{"value":2,"next":null,"kids":null}]}`)
	f.Add(uint8(9), uint64(3), uint64(4), `{"Value":1,"value":2,"\u0076alue":3,"next":null,"kids":[]," ":{"a":["}"]}}`)
	f.Fuzz(func(t *testing.T, which uint8, a, b uint64, text string) {
		all := trips()
		all[int(which)%len(all)](t, rand.New(rand.NewPCG(a, b)))
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		h := register[branch](t, r, "a", records.Config{Kind: records.Latest}).Untyped()
		if h.Set(json.RawMessage(text)) != nil {
			return
		}
		got, _, _, err := h.Get()
		if err != nil {
			t.Fatalf("set %q, and get: %v", text, err)
		}
		if err := h.Set(got); err != nil {
			t.Fatalf("set %q, got %s, and set that: %v", text, got, err)
		}
	})
}
