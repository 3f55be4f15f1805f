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
	// irregular is true for an object that encoding/json has to write as a whole.
	irregular bool
	// basic is Bool, Int, Uint or String for a scalar without methods.
	basic reflect.Kind
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
	case reflect.Bool, reflect.String:
		s.form, s.basic = scalar, t.Kind()
		if t == reflect.TypeFor[json.Number]() {
			s.basic = reflect.Invalid
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.form, s.basic = scalar, reflect.Int
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.form, s.basic = scalar, reflect.Uint
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
