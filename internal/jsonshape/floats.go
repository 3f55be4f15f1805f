package jsonshape

import (
	"bytes"
	"math"
	"reflect"
)

// AppendFloats appends the JSON that encoding/json wrote for v, a value of the type.
// Numbers whose Go type is a float get a fraction if they have neither a fraction nor
// an exponent: 22 becomes 22.0.
func (s *Shape) AppendFloats(b []byte, v reflect.Value, written []byte) []byte {
	if !s.floats || !s.whole(v) {
		return append(b, written...)
	}
	w := floatWriter{scanner: scanner{data: written}, out: b}
	w.value(s)
	return append(w.out, written[w.copied:]...)
}

// whole reports whether a value may have a float of whole value. It takes less time
// than to look for one in the JSON, except for maps.
func (s *Shape) whole(v reflect.Value) bool {
	switch s.form {
	case float:
		f := v.Float()
		return f == math.Trunc(f)
	case pointer:
		return !v.IsNil() && s.elem.whole(v.Elem())
	case list, array:
		for i := range v.Len() {
			if s.elem.whole(v.Index(i)) {
				return true
			}
		}
	case dict:
		return v.Len() > 0
	case object:
		for i := range s.fields {
			if f := &s.fields[i]; f.shape.floats && f.whole(v) {
				return true
			}
		}
	}
	return false
}

// whole is Shape.whole for a field of v.
func (f *field) whole(v reflect.Value) bool {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return f.shape.whole(v)
}

// floatWriter copies JSON and adds fractions to it.
type floatWriter struct {
	scanner
	out    []byte
	copied int // how much of the data is in out
}

func (w *floatWriter) value(s *Shape) {
	first := w.peek()
	switch {
	case !s.floats || first == 'n':
		w.skip()
	case s.form == pointer:
		w.value(s.elem)
	case s.form == float:
		if bytes.ContainsAny(w.skip(), ".e") {
			return
		}
		w.out = append(append(w.out, w.data[w.copied:w.at]...), ".0"...)
		w.copied = w.at
	case s.form == object:
		w.object(s)
	default:
		w.elements(s)
	}
}

// elements handles the elements of a list, an array or a dict.
func (w *floatWriter) elements(s *Shape) {
	for more := w.enter(); more; more = w.more() {
		if s.form == dict {
			w.name()
		}
		w.value(s.elem)
	}
}

// object handles members, which come in the order of the fields.
func (w *floatWriter) object(s *Shape) {
	i := 0
	for more := w.enter(); more; more = w.more() {
		name := w.name()
		for i < len(s.fields)-1 && s.fields[i].name != string(name) {
			i++
		}
		w.value(s.fields[i].shape)
	}
}
