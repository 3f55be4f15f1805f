package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Decoder reads frames and the members of their values. The zero value is ready.
// It is for one goroutine at a time.
type Decoder struct {
	json    jsontext.Decoder
	input   bytes.Buffer
	options []jsontext.Options
}

// Member returns the value of one member of object, or nil if object has no such
// member or is not an object. Of several members of one name, the last one counts.
func (d *Decoder) Member(object []byte, name string) json.RawMessage {
	var found json.RawMessage
	d.eachMember(object, func(member, value []byte) bool {
		if string(member) == name {
			found = value
		}
		return true
	})
	return found
}

// eachMember calls fn with the name and the value of each member of the object in
// data. It reports whether data is one JSON object in valid UTF-8 with nothing
// after it, and fn always returned true. Names and values point into data, except
// names with escapes.
//
// encoding/json takes "T" for "t", and the last of two members of one name. A
// frame must tell them apart.
func (d *Decoder) eachMember(data []byte, fn func(name, value []byte) bool) bool {
	if !utf8.Valid(data) {
		return false
	}
	if d.options == nil {
		// A payload may have repeated names. Invalid UTF-8 is refused above; the
		// option admits escapes of half a surrogate pair, as encoding/json does.
		d.options = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	}
	d.input = *bytes.NewBuffer(data)
	d.json.Reset(&d.input, d.options...)
	ok := d.members(data, fn)
	if len(data) > maxIdleBuffer {
		*d = Decoder{} // drop the reference to a large frame
	}
	return ok
}

func (d *Decoder) members(data []byte, fn func(name, value []byte) bool) bool {
	if t, err := d.json.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.json.PeekKind() == '"' {
		name, ok := d.value(data)
		if !ok {
			return false
		}
		value, ok := d.value(data)
		if !ok || !fn(Unquote(name), value) {
			return false
		}
	}
	if t, err := d.json.ReadToken(); err != nil || t.Kind() != '}' {
		return false
	}
	_, err := d.json.ReadToken()
	return errors.Is(err, io.EOF)
}

// value returns the next value as a part of data.
func (d *Decoder) value(data []byte) ([]byte, bool) {
	v, err := d.json.ReadValue()
	end := d.json.InputOffset()
	return data[end-int64(len(v)) : end], err == nil
}
