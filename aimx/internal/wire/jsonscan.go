package wire

import (
	"encoding/json"
	"unicode/utf8"
)

// ValidJSON reports whether data is one JSON value in valid UTF-8 with nothing
// behind it. encoding/json alone lets broken UTF-8 pass inside strings.
func ValidJSON(data []byte) bool { return json.Valid(data) && utf8.Valid(data) }

// EachMember calls fn with the name and the value of every member of object,
// which must be valid JSON. It reports whether object is an object and fn
// never returned false.
//
// encoding/json would do for most of it, but it takes "T" for "t" and the last
// of two members of one name, and both are to be told apart here. Names and
// values point into object, but for names with escapes.
func EachMember(object []byte, fn func(name, value []byte) bool) bool {
	i := skipSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return false
	}
	i = skipSpace(object, i+1)
	for object[i] != '}' {
		if object[i] == ',' {
			i = skipSpace(object, i+1)
		}
		end := skipValue(object, i)
		name := Unquote(object[i:end])
		colon := skipSpace(object, end)
		i = skipSpace(object, colon+1)
		end = skipValue(object, i)
		if !fn(name, object[i:end]) {
			return false
		}
		i = skipSpace(object, end)
	}
	return true
}

// Unquote returns the text of a JSON string in quotes.
func Unquote(quoted []byte) []byte {
	for _, c := range quoted {
		if c == '\\' {
			var s string
			if json.Unmarshal(quoted, &s) != nil {
				return nil
			}
			return []byte(s)
		}
	}
	return quoted[1 : len(quoted)-1]
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
	depth := 0
	for {
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

// IsNull reports whether a member is absent or null, which mean the same.
func IsNull(value []byte) bool { return len(value) == 0 || string(value) == "null" }

// IsString reports whether a value is a string.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == '"' }
