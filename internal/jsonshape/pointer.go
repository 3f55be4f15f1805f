package jsonshape

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// PathOf returns the JSON Pointer of the value that an error is about: one of Check, or of
// encoding/json when it decodes the value that Check returned. It is "" if that is the
// whole value, or if the error does not say. The value must be valid JSON.
func PathOf(value []byte, err error) string {
	var shape *mismatch
	if errors.As(err, &shape) {
		return shape.pointer
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return pointerAt(value, int(wrong.Offset))
	}
	return ""
}

// pointerTo returns the pointer of a member or an element.
func pointerTo(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// pointerAt returns the pointer of the innermost value that a decoder was reading, or had
// just read, when it was at an offset. encoding/json names the members on the way in
// UnmarshalTypeError.Field, but no elements and names of maps.
func pointerAt(value []byte, offset int) string {
	s := scanner{data: value}
	pointer := ""
	for {
		first := s.peek()
		if first != '{' && first != '[' {
			return pointer
		}
		found := false
		n := 0
		for more := s.enter(); more && !found; {
			step := strconv.Itoa(n)
			if first == '{' {
				step = string(unescaped(s.name()))
			}
			s.peek()
			start := s.at
			s.skip()
			if start < offset && offset <= s.at {
				pointer, s.at, found = pointer+pointerTo(step), start, true
				break
			}
			more = s.more()
			n++
		}
		if !found {
			return pointer
		}
	}
}
