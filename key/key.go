package key

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrBadKey and ErrBadPattern are the errors of text that is not a key or a pattern.
var (
	ErrBadKey     = errors.New("key")
	ErrBadPattern = errors.New("pattern")
)

// MaxBytes is the largest length of a key in bytes.
const MaxBytes = 200

// Key names a record. It is 1 to 200 bytes of printable UTF-8 without spaces,
// quotes, backslash, '*', '#' and '>', made of non-empty segments separated by '.'
// or '::'. It keeps its spelling.
type Key struct{ text string }

// Parse returns s as a key, or an error that says what breaks the grammar.
func Parse(s string) (Key, error) {
	if err := checkName(s, forbiddenInKeys); err != nil {
		return Key{}, fmt.Errorf("%w %q: %w", ErrBadKey, s, err)
	}
	return Key{text: s}, nil
}

// String returns the key as it was written.
func (k Key) String() string { return k.text }

// Segments returns the parts between the separators.
func (k Key) Segments() []string { return strings.Split(Normalize(k.text), ".") }

// Normalize writes a key or a pattern with '.' as its only separator. Two keys
// with the same normalized form have the same segments and cannot both be
// registered.
func Normalize(s string) string { return strings.ReplaceAll(s, "::", ".") }

const (
	forbiddenInPatterns = "\"'`\\>"
	forbiddenInKeys     = forbiddenInPatterns + "*#"
)

// checkName checks the part of the grammar that keys and patterns share.
func checkName(s, forbidden string) error {
	switch {
	case s == "":
		return errors.New("it is empty; write segments separated by '.' or '::'")
	case len(s) > MaxBytes:
		return fmt.Errorf("it has %d bytes; at most %d are allowed", len(s), MaxBytes)
	case !utf8.ValidString(s):
		return errors.New("it is not valid UTF-8")
	}
	for _, c := range s {
		if c == ' ' || !unicode.IsPrint(c) || strings.ContainsRune(forbidden, c) {
			return fmt.Errorf("the character %q is not allowed; use printable characters but no spaces, quotes, '\\' or any of '*#>'", c)
		}
	}
	for segment := range strings.SplitSeq(Normalize(s), ".") {
		if segment == "" {
			return errors.New("it has an empty segment; write one '.' or '::' between segments, and none at the ends")
		}
	}
	return nil
}
