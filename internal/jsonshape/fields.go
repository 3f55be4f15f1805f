package jsonshape

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// field is one member of an object.
type field struct {
	name  string
	index []int
	shape *Shape
	// omitEmpty and omitZero leave the member out by its value, irregular is true if
	// only encoding/json knows whether or how it is written.
	omitEmpty, omitZero, irregular bool
	// optional is true if encoding/json may leave the member out.
	optional bool
	// tagged is true if the name is that of a tag.
	tagged bool
}

// embedded is a struct whose fields are members of the object.
type embedded struct {
	t        reflect.Type
	index    []int
	optional bool // a pointer, which may be nil
}

// addFields adds the fields that encoding/json writes for a struct. Of several fields
// with one name those of the least depth count, of these the tagged ones; if more
// than one is left, none is written.
func (b builder) addFields(s *Shape, t reflect.Type) {
	var all []field
	visited := map[reflect.Type]bool{}
	for level := []embedded{{t: t}}; len(level) > 0; {
		var next []embedded
		times := map[reflect.Type]int{}
		for _, e := range level {
			times[e.t]++
		}
		for _, e := range level {
			if visited[e.t] {
				continue
			}
			visited[e.t] = true
			for i := range e.t.NumField() {
				f, inner := b.field(e, i)
				switch {
				case inner != nil:
					next = append(next, *inner)
				case f.shape != nil:
					all = append(all, f)
					if times[e.t] > 1 { // embedded twice: its fields hide each other
						all = append(all, f)
					}
				}
			}
		}
		level = next
	}
	s.fields = dominant(all)
	s.byName = make(map[string]int, len(s.fields))
	for i, f := range s.fields {
		s.byName[f.name] = i
		s.irregular = s.irregular || f.irregular
	}
}

// field returns field i of a struct, or the struct that it embeds. Without either it
// is not written.
func (b builder) field(e embedded, i int) (field, *embedded) {
	sf := e.t.Field(i)
	target := sf.Type
	if target.Name() == "" && target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	tag := sf.Tag.Get("json")
	if tag == "-" || !sf.IsExported() && !(sf.Anonymous && target.Kind() == reflect.Struct) {
		return field{}, nil
	}
	name, options, _ := strings.Cut(tag, ",")
	if !validName(name) {
		name = ""
	}
	f := field{name: name, tagged: name != "", index: append(slices.Clone(e.index), i)}
	isPointer := sf.Type.Kind() == reflect.Pointer
	if name == "" && sf.Anonymous && target.Kind() == reflect.Struct {
		return field{}, &embedded{target, f.index, e.optional || isPointer}
	}
	has := func(option string) bool { return slices.Contains(strings.Split(options, ","), option) }
	f.name = cmp.Or(name, sf.Name)
	f.omitEmpty, f.omitZero = has("omitempty"), has("omitzero")
	f.optional = e.optional || isPointer || f.omitEmpty || f.omitZero
	f.irregular = has("string") || f.omitZero && implements[interface{ IsZero() bool }](sf.Type)
	f.shape = b.shape(sf.Type)
	if has("string") && b.shape(target).form == float { // it is written as text
		f.shape = &Shape{form: scalar, nullable: f.shape.nullable}
	}
	return f, nil
}

// of returns the field of a struct, false if it is inside a pointer that is nil.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// dominant returns the fields that are not hidden, in the order in which they are
// written.
func dominant(all []field) []field {
	slices.SortFunc(all, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)),
			-compareBool(a.tagged, b.tagged), slices.Compare(a.index, b.index))
	})
	var kept []field
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].name == all[i].name {
			n++
		}
		if n == i+1 || len(all[i].index) != len(all[i+1].index) || all[i].tagged != all[i+1].tagged {
			kept = append(kept, all[i])
		}
		i = n
	}
	slices.SortFunc(kept, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return kept
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// validName reports whether encoding/json takes a name from a tag.
func validName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}) < 0
}
