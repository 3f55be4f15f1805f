package jsonshape

import (
	"math"
	"reflect"
	"unsafe"
)

// AppendFloats appends the JSON that encoding/json wrote for v, a value of the type.
// Numbers whose Go type is a float get a fraction if they have neither a fraction nor
// an exponent: 22 becomes 22.0.
func (s *Shape) AppendFloats(b []byte, v reflect.Value, written []byte) []byte {
	if !s.floats || !s.whole(v) {
		return append(b, written...)
	}
	w := floatWriter{scanner: scanner{data: written}, out: b}
	w.value(s, true)
	return append(w.out, written[w.copied:]...)
}

// flatFloat is a float at a fixed place in a struct.
type flatFloat struct {
	offset uintptr
	short  bool // a float32
}

// isWhole reports whether a float at a place in memory has no fraction.
func (f flatFloat) isWhole(base unsafe.Pointer) bool {
	if at := unsafe.Add(base, f.offset); f.short {
		x := *(*float32)(at)
		return x == float32(int32(x)) || x >= 1<<31 || x <= -1<<31
	} else {
		x := *(*float64)(at)
		return x == float64(int64(x)) || x >= 1<<63 || x <= -1<<63
	}
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
		return s.wholeInside(v)
	}
	return false
}

// wholeInside is whole for a struct.
func (s *Shape) wholeInside(v reflect.Value) bool {
	if !v.CanAddr() {
		return true // inside a map
	}
	base := v.Addr().UnsafePointer()
	for _, f := range s.flat {
		if f.isWhole(base) {
			return true
		}
	}
	for _, i := range s.deep {
		if s.fields[i].whole(v) {
			return true
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

// value handles the next value. If it is the last, it may leave the rest of it unread.
func (w *floatWriter) value(s *Shape, last bool) {
	first := w.peek()
	switch {
	case !s.floats || first == 'n':
		w.skip()
	case s.form == pointer:
		w.value(s.elem, last)
	case s.form == float:
		if hasFraction(w.skip()) {
			return
		}
		w.out = append(append(w.out, w.data[w.copied:w.at]...), ".0"...)
		w.copied = w.at
	case s.form == object:
		w.object(s, last)
	default:
		w.elements(s)
	}
}

// hasFraction reports whether a number has a fraction or an exponent.
func hasFraction(number []byte) bool {
	for _, c := range number {
		if c == '.' || c == 'e' {
			return true
		}
	}
	return false
}

// elements handles the elements of a list, an array or a dict.
func (w *floatWriter) elements(s *Shape) {
	for more := w.enter(); more; more = w.more() {
		if s.form == dict {
			w.name()
		}
		w.value(s.elem, false)
	}
}

// object handles members, which come in the order of the fields.
func (w *floatWriter) object(s *Shape, last bool) {
	i := 0
	for more := w.enter(); more; more = w.more() {
		name := w.name()
		for i < len(s.fields)-1 && s.fields[i].name != string(name) {
			i++
		}
		w.value(s.fields[i].shape, last && i == s.lastFloat)
		if last && i >= s.lastFloat {
			return
		}
	}
}
