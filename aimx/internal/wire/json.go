package wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// ValidJSON reports whether data is one JSON value in valid UTF-8 with nothing
// after it. It agrees with json.Valid, which takes twice as long.
func ValidJSON(data []byte) bool {
	return utf8.Valid(data) && jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Unquote returns the text of a JSON string in quotes.
func Unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	// The only error that a valid string can cause is half a surrogate pair,
	// which becomes U+FFFD.
	text, _ := jsontext.AppendUnquote(nil, quoted)
	return text
}

// IsNull reports whether a member is absent or null, which mean the same.
func IsNull(value []byte) bool { return len(value) == 0 || string(value) == "null" }

// IsString reports whether a value is a string.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == '"' }
