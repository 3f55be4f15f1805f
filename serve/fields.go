package serve

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// field is a setting of a struct: its name in files, and where its value is.
type field struct {
	name  string
	index []int
	typ   reflect.Type
}

// fieldsOf returns the settings of a struct, those of embedded ones included. What a file
// cannot hold has the JSON name "-".
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && name == "":
			for _, inner := range fieldsOf(f.Type) {
				all = append(all, field{inner.name, append([]int{i}, inner.index...), inner.typ})
			}
		case f.IsExported() && tagged && name != "-":
			all = append(all, field{name, []int{i}, f.Type})
		}
	}
	// A field outside hides one of the same name that is embedded, as in Go.
	return slices.DeleteFunc(all, func(f field) bool {
		return slices.ContainsFunc(all, func(g field) bool { return g.name == f.name && len(g.index) < len(f.index) })
	})
}

// The types that are written in a way of their own.
func isSpan(t reflect.Type) bool { return t == reflect.TypeFor[time.Duration]() }
func isRaw(t reflect.Type) bool  { return t == reflect.TypeFor[json.RawMessage]() }

// isSize reports whether a setting is a number of bytes, by its name.
func isSize(name string, t reflect.Type) bool {
	return (t.Kind() == reflect.Int || t.Kind() == reflect.Int64) && !isSpan(t) && strings.HasSuffix(name, "_bytes")
}

// isSecret reports whether a setting must not be shown. It can also be given by a file:
// the setting NAME_file is the path of a file that has the text.
func isSecret(name string, t reflect.Type) bool {
	return t.Kind() == reflect.String && slices.Contains([]string{"token", "password", "hash", "history"}, name)
}

// setting is one that is no group of others.
type setting struct {
	path []string
	typ  reflect.Type
}

// settingsOf returns the settings of a struct by their paths, without what is inside
// lists.
func settingsOf(t reflect.Type) []setting {
	var all []setting
	for _, f := range fieldsOf(t) {
		inner := f.typ
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct {
			all = append(all, setting{[]string{f.name}, f.typ})
			if isSecret(f.name, f.typ) {
				all = append(all, setting{[]string{f.name + "_file"}, f.typ})
			}
			continue
		}
		for _, s := range settingsOf(inner) {
			all = append(all, setting{append([]string{f.name}, s.path...), s.typ})
		}
	}
	return all
}
