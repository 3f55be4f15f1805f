package jsonrule

import (
	"bytes"
	"encoding/json"
)

// Step is one step of a path into a value: into the member Name of an object,
// or into the element Index of an array if Name is empty.
type Step struct {
	Name  string
	Index int
}

// At returns the part of a value that a path leads to, and nil if there is
// none. The value must follow the rule of [Check].
func At(value []byte, path []Step) []byte {
	value = bytes.TrimSpace(value)
	for _, step := range path {
		if value = step.in(value); value == nil {
			return nil
		}
	}
	return value
}

// in returns what one step leads to: of several members of one name the last.
func (s Step) in(value []byte) (found []byte) {
	open := byte('[')
	if s.Name != "" {
		open = '{'
	}
	if value[0] != open {
		return nil
	}
	i := skipSpace(value, 1)
	for n := 0; value[i] != ']' && value[i] != '}'; n++ {
		if value[i] == ',' {
			i = skipSpace(value, i+1)
		}
		here := n == s.Index
		if s.Name != "" {
			end := skipValue(value, i)
			here = s.names(value[i:end])
			i = skipSpace(value, skipSpace(value, end)+1) // behind the colon
		}
		end := skipValue(value, i)
		if here {
			found = value[i:end]
		}
		i = skipSpace(value, end)
	}
	return found
}

// names reports whether a string in quotes is the name of the step.
func (s Step) names(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == s.Name
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == s.Name
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index behind the value that starts at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && skipSpace(b, i) == i {
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipNested(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}
