package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// maxSecret is the length of the largest file with a secret.
const maxSecret = 64 << 10

// decoder sets the fields of a Config from settings. It goes on after an error, so that
// all of them are told at once.
type decoder struct {
	errs []*placed
	// dir is the directory that relative paths of secrets start from.
	dir string
	// places has where each setting was given, by its path, such as records[0].key.
	places map[string]place
}

func (d *decoder) fail(at place, format string, args ...any) {
	d.errs = append(d.errs, &placed{at, fmt.Errorf(format, args...)})
}

// group sets the fields of a struct.
func (d *decoder) group(n *node, path string, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for _, m := range n.members {
		full := join(path, m.name)
		if f, ok := find(fields, m.name); ok {
			d.places[full] = m.at
			d.value(m.value, f.name, full, v.FieldByIndex(f.index))
			continue
		}
		name, isFile := strings.CutSuffix(m.name, "_file")
		if f, ok := find(fields, name); ok && isFile && isSecret(f.name, f.typ) {
			d.places[join(path, name)] = m.at
			if n.get(name) != nil {
				d.fail(m.at, "%s and %s are both given; leave one out", join(path, name), full)
				continue
			}
			d.secret(m.value, full, v.FieldByIndex(f.index))
			continue
		}
		d.unknown(m, path, fields)
	}
}

func (d *decoder) unknown(m member, path string, fields []field) {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
		if isSecret(f.name, f.typ) {
			names = append(names, f.name+"_file")
		}
	}
	in, hint := "", ""
	if path != "" {
		in = " in " + path
	}
	if near := nearest(m.name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	d.fail(m.at, "there is no setting %.80q%s%s", m.name, in, hint)
}

// secret sets a text to what a file has.
func (d *decoder) secret(n *node, path string, v reflect.Value) {
	if !d.is(n, path, text) {
		return
	}
	name := n.text
	if !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	secret, err := readSome(name, maxSecret+1)
	if err != nil {
		d.fail(n.at, "%s: %w", path, err)
		return
	}
	line, more, _ := strings.Cut(strings.TrimRight(string(secret), "\r\n"), "\n")
	if line == "" || more != "" || len(secret) > maxSecret {
		d.fail(n.at, "%s: the file %s must have one line of at most %d bytes, which is the secret", path, name, maxSecret)
		return
	}
	v.SetString(line)
}

// value sets a field. name is the last part of its path.
func (d *decoder) value(n *node, name, path string, v reflect.Value) {
	t := v.Type()
	switch {
	case n.kind == null:
		d.fail(n.at, "%s has no value; give one, or delete the line", path)
	case isRaw(t):
		v.SetBytes(appendJSON(nil, n))
	case isSpan(t):
		d.span(n, path, v)
	case isSize(name, t):
		d.size(n, path, v)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(n, name, path, v.Elem())
	case t.Kind() == reflect.Struct:
		if d.is(n, path, group) {
			d.group(n, path, v)
		}
	case t.Kind() == reflect.Slice:
		if d.is(n, path, list) {
			v.Set(reflect.MakeSlice(t, len(n.list), len(n.list)))
			for i, e := range n.list {
				d.places[at(path, i)] = e.at
				d.value(e, name, at(path, i), v.Index(i))
			}
		}
	case t.Kind() == reflect.Map:
		if d.is(n, path, group) {
			d.texts(n, path, v)
		}
	case t.Kind() == reflect.String:
		if d.is(n, path, text) {
			v.SetString(n.text)
		}
	case t.Kind() == reflect.Bool:
		if d.is(n, path, boolean) {
			v.SetBool(n.text == "true")
		}
	default:
		d.integer(n, path, v)
	}
}

// is reports whether a setting is of a kind, and says so if it is not.
func (d *decoder) is(n *node, path string, want kind) bool {
	switch {
	case n.kind == want:
		return true
	case want == text && n.kind != list && n.kind != group:
		shown := strconv.Quote(n.text)
		if withoutSecret(n.text, path) != n.text {
			shown = "it"
		}
		d.fail(n.at, "%s is text; write %s in quotes", path, shown)
	default:
		d.fail(n.at, "%s is %s, and this is %s", path, want, n.kind)
	}
	return false
}

func (d *decoder) integer(n *node, path string, v reflect.Value) {
	if !d.is(n, path, number) {
		return
	}
	i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
	if err != nil {
		d.fail(n.at, "%s is a whole number up to %d, and this is %s", path, int64(math.MaxInt64)>>(64-v.Type().Bits()), n.text)
		return
	}
	v.SetInt(i)
}

func (d *decoder) span(n *node, path string, v reflect.Value) {
	if n.kind != text && n.text != "0" {
		d.fail(n.at, "%s is a duration with a unit, such as 90s, 1h30m or 7d", path)
		return
	}
	span, err := parseSpan(n.text)
	if err != nil && n.text != "0" {
		d.fail(n.at, "%s: %w", path, err)
		return
	}
	v.SetInt(int64(span))
}

func (d *decoder) size(n *node, path string, v reflect.Value) {
	if n.kind != text && n.kind != number {
		d.fail(n.at, "%s is a size, such as 64MB or 1GiB", path)
		return
	}
	size, err := parseSize(n.text)
	if err == nil && v.OverflowInt(size) {
		err = fmt.Errorf("size %q is too large for this machine", n.text)
	}
	if err != nil {
		d.fail(n.at, "%s: %w", path, err)
		return
	}
	v.SetInt(size)
}

// texts sets a map of texts.
func (d *decoder) texts(n *node, path string, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, m := range n.members {
		if d.is(m.value, join(path, m.name), text) {
			v.SetMapIndex(reflect.ValueOf(m.name), reflect.ValueOf(m.value.text))
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// appendJSON writes a setting as JSON, with the digits that its numbers have.
func appendJSON(b []byte, n *node) []byte {
	switch n.kind {
	case null:
		return append(b, "null"...)
	case boolean, number:
		return append(b, n.text...)
	case text:
		return appendQuoted(b, n.text)
	case list:
		b = append(b, '[')
		for i, e := range n.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, m := range n.members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, m.name), ':')
		b = appendJSON(b, m.value)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string can be encoded
	return append(b, quoted...)
}
