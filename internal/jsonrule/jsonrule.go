package jsonrule

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how many levels of objects and arrays a value may have. Upstream
// AimDB reads no message with more than 128, and some of them are used up by
// what a message wraps around a value.
const MaxDepth = 100

// mark is the byte order mark in UTF-8.
const mark = "\ufeff"

var (
	errMark  = errors.New("begins with a byte order mark; save it without one")
	errDepth = fmt.Errorf("nests objects and arrays more than %d levels deep", MaxDepth)
)

// Check returns nil if a value follows the rule. An error is a predicate, to be
// put behind the name of the value, such as "nests objects and arrays more than
// 100 levels deep".
func Check(value []byte) error {
	if err := CheckText(value); err != nil {
		return err
	}
	if tooDeep(value) {
		return errDepth
	}
	if json.Valid(value) {
		return nil
	}
	var raw json.RawMessage
	err := json.Unmarshal(value, &raw)
	if bytes.Contains(value, []byte(mark)) {
		return fmt.Errorf("is not JSON: %w (it has a byte order mark inside)", err)
	}
	return fmt.Errorf("is not JSON: %w", err)
}

// CheckText returns nil if a text is valid UTF-8 and does not begin with a byte
// order mark. An error is a predicate as that of [Check].
func CheckText(text []byte) error {
	if bytes.HasPrefix(text, []byte(mark)) {
		return errMark
	}
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for rest := text; ; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size <= 1 {
			return fmt.Errorf("is not valid UTF-8 at byte %d; save it as UTF-8", at+1)
		}
		at, rest = at+size, rest[size:]
	}
}

// SkipMark takes a byte order mark off the beginning of a file.
func SkipMark(r *bufio.Reader) error {
	head, err := r.Peek(len(mark))
	if string(head) != mark {
		return nil // an error comes again with the next read
	}
	if err == nil {
		_, err = r.Discard(len(mark))
	}
	return err
}

// tooDeep counts brackets outside of strings. It gives an answer for what is
// not JSON too.
func tooDeep(value []byte) bool {
	if bytes.Count(value, []byte("{"))+bytes.Count(value, []byte("[")) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
