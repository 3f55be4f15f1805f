package jsonshape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Check returns nil if a value has all members that are not optional, and null only
// where null is a value of the type. The value must be valid JSON. Other members are
// ignored, also those whose names differ in case only; encoding/json would take
// these. decodable is the value for encoding/json, a copy if it had to be changed.
//
// The error names the member with its path, such as by_city["vienna"].stations[2].id.
func (s *Shape) Check(value []byte) (decodable []byte, err error) {
	c := checker{scanner: scanner{data: value}}
	if m := c.value(s); m != nil {
		return nil, m
	}
	if c.unknown == nil {
		return value, nil
	}
	decodable = bytes.Clone(value)
	for _, name := range c.unknown {
		for i := name.start; i < name.end; i++ {
			decodable[i] = neverInNames
		}
	}
	return decodable, nil
}

// Fits reports whether a value passes Check and has no other members than the type.
func (s *Shape) Fits(value []byte) bool {
	c := checker{scanner: scanner{data: value}}
	return c.value(s) == nil && c.unknown == nil
}

// neverInNames is a character that JSON does not escape and that names of fields
// cannot have.
const neverInNames = '\x7f'

// checker checks one value.
type checker struct {
	scanner
	// seen has a place for each field of the objects that are being read.
	seen []bool
	// unknown are the names that no field has.
	unknown []span
}

type span struct{ start, end int }

// mismatch is what is wrong with a value, and where.
type mismatch struct {
	path, wrong string
	// pointer is the path as a JSON Pointer.
	pointer string
}

// Error implements error.
func (m *mismatch) Error() string {
	if m.path == "" {
		return "the value " + m.wrong
	}
	return fmt.Sprintf("the member %s %s", m.path, m.wrong)
}

// in puts a step before the path, which is a name or an index in the pointer.
func (m *mismatch) in(step, name string) *mismatch {
	m.pointer = pointerTo(name) + m.pointer
	if m.path != "" && m.path[0] != '[' {
		step += "."
	}
	m.path = step + m.path
	return m
}

// value checks the next value.
func (c *checker) value(s *Shape) *mismatch {
	first := c.peek()
	if first == 'n' && s.form != anything {
		if !s.nullable {
			return &mismatch{wrong: "is null"}
		}
		c.skip()
		return nil
	}
	switch s.form {
	case pointer:
		return c.value(s.elem)
	case list, array:
		if first != '[' {
			return &mismatch{wrong: "is " + kindOf(first) + " and not an array"}
		}
		return c.list(s)
	case dict, object:
		if first != '{' {
			return &mismatch{wrong: "is " + kindOf(first) + " and not an object"}
		}
		if s.form == object {
			return c.object(s)
		}
		return c.dict(s)
	}
	c.skip() // the decoder checks it
	return nil
}

// kindOf names the kind of a value by its first byte.
func kindOf(first byte) string {
	switch first {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

func (c *checker) list(s *Shape) *mismatch {
	n := 0
	for more := c.enter(); more; more = c.more() {
		if m := c.value(s.elem); m != nil {
			return m.in(fmt.Sprintf("[%d]", n), strconv.Itoa(n))
		}
		n++
	}
	if s.form == array && n != s.length {
		return &mismatch{wrong: fmt.Sprintf("has %d elements and not %d", n, s.length)}
	}
	return nil
}

func (c *checker) dict(s *Shape) *mismatch {
	for more := c.enter(); more; more = c.more() {
		name := c.name()
		if m := c.value(s.elem); m != nil {
			return m.in(fmt.Sprintf(`["%s"]`, name), string(unescaped(name)))
		}
	}
	return nil
}

func (c *checker) object(s *Shape) *mismatch {
	base := len(c.seen)
	c.seen = append(c.seen, make([]bool, len(s.fields))...)
	for more := c.enter(); more; more = c.more() {
		c.peek()
		start := c.at + 1
		name := c.name()
		i, known := s.byName[string(unescaped(name))]
		if !known {
			c.unknown = append(c.unknown, span{start, start + len(name)})
			c.skip()
			continue
		}
		c.seen[base+i] = true
		if m := c.value(s.fields[i].shape); m != nil {
			return m.in(s.fields[i].name, s.fields[i].name)
		}
	}
	for i, f := range s.fields {
		if !c.seen[base+i] && !f.optional {
			return &mismatch{path: f.name, pointer: pointerTo(f.name), wrong: "is missing; a set replaces the whole value, so give all members"}
		}
	}
	c.seen = c.seen[:base]
	return nil
}

// unescaped returns the text of a string without its quotes.
func unescaped(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	var s string
	if err := json.Unmarshal(append(append([]byte{'"'}, text...), '"'), &s); err != nil {
		return text // not reached: the JSON is valid
	}
	return []byte(s)
}
