package jsonshape_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// measurement is a value as applications have it.
type measurement struct {
	City     string    `json:"city"`
	Celsius  float64   `json:"celsius"`
	Humidity float64   `json:"humidity"`
	At       time.Time `json:"at"`
	Station  int       `json:"station"`
}

// ratio runs reference and candidate in turn and reports the median of how many times
// as long the candidate takes.
func ratio(b *testing.B, reference, candidate func(i int)) {
	b.Helper()
	turn := max(1, min(2000, b.N/20))
	var ratios []float64
	for done := 0; done < b.N; done += turn {
		var took [2]time.Duration
		for side, run := range []func(i int){reference, candidate} {
			begin := time.Now()
			for i := range turn {
				run(i)
			}
			took[side] = time.Since(begin)
		}
		ratios = append(ratios, float64(took[1])/float64(took[0]))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x")
}

// BenchmarkEncode compares encoding with and without fractions for whole floats, by
// how many of ten values have one.
func BenchmarkEncode(b *testing.B) {
	for _, whole := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("whole=%d-of-10", whole), func(b *testing.B) {
			values := make([]measurement, 10)
			for i := range values {
				values[i] = measurement{"vienna", 21.5 + float64(i)/100, 40.25, time.UnixMilli(1_700_000_000_123).UTC(), 7}
				if i < whole {
					values[i].Celsius = 22
				}
			}
			var buffer bytes.Buffer
			e := json.NewEncoder(&buffer)
			e.SetEscapeHTML(false)
			encode := func(i int) []byte {
				buffer.Reset()
				if err := e.Encode(&values[i%10]); err != nil {
					b.Fatal(err)
				}
				return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
			}
			s, candidate := jsonshape.Of(reflect.TypeFor[measurement]()), jsonshape.NewEncoder()
			ratio(b, func(i int) { _ = bytes.Clone(encode(i)) }, func(i int) {
				written, err := candidate.Encode(s, reflect.ValueOf(&values[i%10]).Elem())
				if err != nil {
					b.Fatal(err)
				}
				_ = bytes.Clone(written)
			})
		})
	}
}

// BenchmarkSet compares a checked decoding with json.Unmarshal.
func BenchmarkSet(b *testing.B) {
	large := make([]measurement, 1000)
	for name, c := range map[string]struct {
		value any
		to    reflect.Type
	}{
		"small": {measurement{City: "vienna", Celsius: 21.5}, reflect.TypeFor[measurement]()},
		"large": {large, reflect.TypeFor[[]measurement]()},
	} {
		b.Run(name, func(b *testing.B) {
			raw := encoded(b, c.value)
			s := jsonshape.Of(c.to)
			decode := func(raw []byte) {
				if err := json.Unmarshal(raw, reflect.New(c.to).Interface()); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(raw)))
			ratio(b, func(int) { decode(raw) }, func(int) {
				decodable, err := s.Check(raw)
				if err != nil {
					b.Fatal(err)
				}
				decode(decodable)
			})
		})
	}
}
