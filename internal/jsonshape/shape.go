package jsonshape

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// Shape describes the JSON of a Go type. It is immutable.
type Shape struct {
	form form
	// nullable allows null.
	nullable bool
	// length is the number of elements of an array.
	length int
	// elem is the shape of the elements, or of what a pointer points to.
	elem *Shape
	// fields are the members of an object in the order in which they are written,
	// byName their indices.
	fields []field
	byName map[string]int
	// floats reports whether the shape is a float or has one inside.
	floats bool
	// flat are the floats of a struct at a fixed place, deep the indices of its other
	// fields that have floats inside, lastFloat is the index of the last of both.
	flat      []flatFloat
	deep      []int
	lastFloat int
}

// form is what a shape checks.
type form uint8

const (
	// anything is checked by the decoder alone: interfaces, and types that decode
	// themselves.
	anything form = iota
	// scalar is text, a boolean or an integer, or bytes.
	scalar
	float
	pointer
	list
	array
	dict
	object
)

// Of returns the shape of a type.
func Of(t reflect.Type) *Shape {
	b := builder{shapes: make(map[reflect.Type]*Shape)}
	s := b.shape(t)
	for b.spread() {
	}
	for t, s := range b.shapes {
		s.place(t)
	}
	return s
}

// builder makes the shapes of a type and of the types inside it. A type that has
// itself inside has one shape.
type builder struct {
	shapes map[reflect.Type]*Shape
}

func (b builder) shape(t reflect.Type) *Shape {
	if s, known := b.shapes[t]; known {
		return s
	}
	s := &Shape{}
	b.shapes[t] = s
	switch {
	case implements[json.Unmarshaler](t) || implements[json.Marshaler](t):
		s.nullable = true // its methods decide
		return s
	case implements[encoding.TextUnmarshaler](t) || implements[encoding.TextMarshaler](t):
		s.form, s.nullable = scalar, nullable(t)
		return s
	}
	s.nullable = nullable(t)
	switch t.Kind() {
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.form = scalar
	case reflect.Float32, reflect.Float64:
		s.form, s.floats = float, true
	case reflect.Pointer:
		s.form, s.elem = pointer, b.shape(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // base64
			s.form = scalar
		} else {
			s.form, s.elem = list, b.shape(t.Elem())
		}
	case reflect.Array:
		s.form, s.elem, s.length = array, b.shape(t.Elem()), t.Len()
	case reflect.Map:
		s.form, s.elem = dict, b.shape(t.Elem())
	case reflect.Struct:
		s.form = object
		b.addFields(s, t)
	}
	return s
}

// spread marks the shapes that have floats inside. It reports whether it marked one.
func (b builder) spread() bool {
	marked := false
	for _, s := range b.shapes {
		has := s.elem != nil && s.elem.floats
		for _, f := range s.fields {
			has = has || f.shape.floats
		}
		if has && !s.floats {
			s.floats, marked = true, true
		}
	}
	return marked
}

// place finds the floats of a struct type.
func (s *Shape) place(t reflect.Type) {
	for i, f := range s.fields {
		if !f.shape.floats {
			continue
		}
		s.lastFloat = i
		if offset, fixed := offsetOf(t, f.index); fixed && f.shape.form == float {
			s.flat = append(s.flat, flatFloat{offset, t.FieldByIndex(f.index).Type.Kind() == reflect.Float32})
		} else {
			s.deep = append(s.deep, i)
		}
	}
}

// offsetOf returns the offset of a field, false if there is a pointer on the way.
func offsetOf(t reflect.Type, index []int) (offset uintptr, fixed bool) {
	for _, i := range index {
		if t.Kind() != reflect.Struct {
			return 0, false
		}
		offset += t.Field(i).Offset
		t = t.Field(i).Type
	}
	return offset, true
}

// nullable reports whether null is a value of the type.
func nullable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return false
}

// implements reports whether a type or a pointer to it has the methods of I.
func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}
