package jsonshape

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encoder writes what encoding/json writes without HTML escapes, but numbers whose Go
// type is a float keep a fraction or an exponent: 22.0, where encoding/json writes 22.
// It leaves everything that has no float inside to encoding/json.
type Encoder struct {
	out []byte
	// buffer has what standard wrote last.
	buffer   bytes.Buffer
	standard *json.Encoder
}

// NewEncoder returns an encoder for one goroutine.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.standard = json.NewEncoder(&e.buffer)
	e.standard.SetEscapeHTML(false)
	return e
}

// Cap returns the size of the buffers of the encoder in bytes.
func (e *Encoder) Cap() int { return cap(e.out) + e.buffer.Cap() }

// Encode returns the JSON of a value that has the shape and can be addressed. It is
// valid until the next call.
func (e *Encoder) Encode(s *Shape, v reflect.Value) ([]byte, error) {
	if !s.floats {
		return e.encodeStandard(v)
	}
	e.out = e.out[:0]
	if err := e.value(s, v, 0); err != nil {
		return nil, err
	}
	return e.out, nil
}

// maxDepth is the depth below which encoding/json takes over. It finds values that
// point to themselves.
const maxDepth = 100

func (e *Encoder) value(s *Shape, v reflect.Value, depth int) error {
	if !s.floats || depth > maxDepth {
		return e.foreign(s, v)
	}
	switch s.form {
	case float:
		return e.float(v)
	case pointer:
		if v.IsNil() {
			e.out = append(e.out, "null"...)
			return nil
		}
		return e.value(s.elem, v.Elem(), depth+1)
	case list:
		if v.IsNil() {
			e.out = append(e.out, "null"...)
			return nil
		}
		return e.list(s, v, depth)
	case array:
		return e.list(s, v, depth)
	case object:
		if !s.irregular {
			return e.object(s, v, depth)
		}
	}
	return e.foreign(s, v)
}

// float writes a number as encoding/json does, but with a fraction.
func (e *Encoder) float(v reflect.Value) error {
	f, bits := v.Float(), v.Type().Bits()
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return &json.UnsupportedValueError{Value: v, Str: strconv.FormatFloat(f, 'g', -1, bits)}
	}
	abs := math.Abs(f)
	tiny, huge := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		tiny, huge = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs != 0 && (tiny || huge) {
		e.out = strconv.AppendFloat(e.out, f, 'e', -1, bits)
		if n := len(e.out); n >= 4 && e.out[n-4] == 'e' && e.out[n-3] == '-' && e.out[n-2] == '0' { // e-09 is e-9
			e.out[n-2] = e.out[n-1]
			e.out = e.out[:n-1]
		}
		return nil
	}
	e.out = strconv.AppendFloat(e.out, f, 'f', -1, bits)
	if f == math.Trunc(f) {
		e.out = append(e.out, ".0"...)
	}
	return nil
}

func (e *Encoder) list(s *Shape, v reflect.Value, depth int) error {
	e.out = append(e.out, '[')
	for i := range v.Len() {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.value(s.elem, v.Index(i), depth+1); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *Encoder) object(s *Shape, v reflect.Value, depth int) error {
	next := byte('{')
	for i := range s.fields {
		f := &s.fields[i]
		member, ok := f.of(v)
		if !ok || f.omitEmpty && isEmpty(member) || f.omitZero && member.IsZero() {
			continue
		}
		e.out = append(append(append(append(e.out, next, '"'), f.name...), '"'), ':')
		next = ','
		if err := e.member(f.shape, member, depth+1); err != nil {
			return err
		}
	}
	if next == '{' {
		e.out = append(e.out, next)
	}
	e.out = append(e.out, '}')
	return nil
}

// member writes the value of a member. It takes over those that take encoding/json
// longer to begin with than to write.
func (e *Encoder) member(s *Shape, v reflect.Value, depth int) error {
	switch s.basic {
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case reflect.Int:
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	case reflect.Uint:
		e.out = strconv.AppendUint(e.out, v.Uint(), 10)
	case reflect.String:
		text := v.String()
		if !plain(text) {
			return e.foreign(s, v)
		}
		e.out = append(append(append(e.out, '"'), text...), '"')
	default:
		return e.value(s, v, depth)
	}
	return nil
}

// plain reports whether encoding/json writes a text as it is.
func plain(text string) bool {
	ascii := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(text) && !strings.ContainsAny(text, "\u2028\u2029")
}

// isEmpty is what omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// foreign writes a value with encoding/json, and adds fractions where the value has
// floats.
func (e *Encoder) foreign(s *Shape, v reflect.Value) error {
	written, err := e.encodeStandard(v)
	if err != nil {
		return err
	}
	if !s.floats {
		e.out = append(e.out, written...)
		return nil
	}
	w := floatWriter{scanner: scanner{data: written}, out: e.out}
	w.value(s)
	e.out = append(w.out, written[w.copied:]...)
	return nil
}

func (e *Encoder) encodeStandard(v reflect.Value) ([]byte, error) {
	e.buffer.Reset()
	if err := e.standard.Encode(v.Addr().Interface()); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(e.buffer.Bytes(), []byte("\n")), nil
}
