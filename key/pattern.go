package key

import (
	"fmt"
	"strings"
)

// Pattern selects records by their keys. It consists of segments like a key; the
// segment '*' matches exactly one segment and '#' zero or more.
//
// A pattern matches a key if their segments match when both are split on '.' alone
// (the rule of AimX 3.0), or on '.' and '::'. So "accuracy::*",
// "accuracy.*" and "accuracy.#" all match the key "accuracy::vienna", and so
// does "*". The zero Pattern matches nothing.
type Pattern struct {
	text string
	// dots are the segments when split on '.', both when split on '.' and '::'.
	dots, both []string
}

// ParsePattern returns s as a pattern, or an error that says what breaks the
// grammar. A '*' or '#' beside other characters of a segment is an error, because it
// would match nothing.
func ParsePattern(s string) (Pattern, error) {
	if err := checkName(s, forbiddenInPatterns); err != nil {
		if strings.ContainsRune(s, '>') {
			err = fmt.Errorf("%w; '#' stands for any number of segments", err)
		}
		return Pattern{}, fmt.Errorf("%w %q: %w", ErrBadPattern, s, err)
	}
	p := WirePattern(s)
	for _, segment := range p.both {
		if len(segment) > 1 && strings.ContainsAny(segment, "*#") {
			return Pattern{}, fmt.Errorf("%w %q: the wildcard in %q is only a part of its segment; '*' and '#' must stand alone between separators", ErrBadPattern, s, segment)
		}
	}
	return p, nil
}

// WirePattern returns s as a pattern without an error, for patterns that come from
// a client. A '*' or '#' beside other characters of a segment is literal, and so
// matches no key.
func WirePattern(s string) Pattern {
	return Pattern{text: s, dots: strings.Split(s, "."), both: strings.Split(Normalize(s), ".")}
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Exact returns the key of a pattern without wildcards. The pattern also matches
// other spellings of its segments.
func (p Pattern) Exact() (key string, ok bool) {
	return p.text, p.both != nil && !strings.ContainsAny(p.text, "*#")
}

// Prefix returns the longest known prefix of the normalized forms of all matching
// keys. It may be empty.
func (p Pattern) Prefix() string {
	var prefix strings.Builder
	for i, segment := range p.both {
		if segment == "#" {
			return prefix.String() // no '.', because "a.#" matches "a" too
		}
		if i > 0 {
			prefix.WriteByte('.')
		}
		if segment == "*" {
			return prefix.String()
		}
		prefix.WriteString(segment)
	}
	return prefix.String()
}

// Match reports whether the pattern matches the key.
func (p Pattern) Match(key string) bool {
	if p.both == nil {
		return false
	}
	return p.text == key || match(p.dots, key, false, false) || match(p.both, key, true, false)
}

// Grants reports whether the pattern, as a grant, covers a key. Unlike Match it
// compares the normalized forms only: the grant "*" does not cover "a::b", so that no
// spelling of a key reaches more than another one.
func (p Pattern) Grants(key string) bool { return p.both != nil && match(p.both, key, true, false) }

// GrantsPattern reports whether the pattern, as a grant, covers the normalized form of
// every key that asked can match. It may refuse a rare pattern that it covers, such as
// "a.#.a" under the grant "a.*.#", and never allows one that it does not. Because Match
// also splits keys on '.' alone, check each key with Grants too.
func (p Pattern) GrantsPattern(asked Pattern) bool {
	return p.both != nil && asked.both != nil && match(p.both, asked.text, true, true)
}

// match compares pattern and key segment by segment. If the rest does not match, the
// last '#' takes one more segment. Earlier '#' need no retry, because the last one
// can take the same segments. If the key is a pattern itself, asked, then only '#'
// covers its segments '#'.
func match(pattern []string, key string, both, asked bool) bool {
	p, at := 0, 0
	retry, retryAt := -1, 0
	for at <= len(key) {
		segment, next := cutSegment(key, at, both)
		switch {
		case p < len(pattern) && pattern[p] == "#":
			retry, retryAt = p, at
			p++
		case p < len(pattern) && (pattern[p] == segment || pattern[p] == "*" && !(asked && segment == "#")):
			p++
			at = next
		case retry >= 0:
			_, retryAt = cutSegment(key, retryAt, both)
			p, at = retry+1, retryAt
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "#" {
		p++
	}
	return p == len(pattern)
}

// cutSegment returns the segment that starts at an offset, and the offset of the
// next one, which is len(key)+1 after the last segment.
func cutSegment(key string, at int, both bool) (segment string, next int) {
	for i := at; i < len(key); i++ {
		switch {
		case key[i] == '.':
			return key[at:i], i + 1
		case both && key[i] == ':' && i+1 < len(key) && key[i+1] == ':':
			return key[at:i], i + 2
		}
	}
	return key[at:], len(key) + 1
}

// MoreSpecific compares two patterns segment by segment: a literal is more specific than
// '*', and '*' than '#'. Of patterns that begin alike the longer one is. Two patterns that
// match a common key and of which neither is more specific have the same segments.
func (p Pattern) MoreSpecific(q Pattern) bool {
	for i := range min(len(p.both), len(q.both)) {
		if a, b := rank(p.both[i]), rank(q.both[i]); a != b {
			return a > b
		}
	}
	return len(p.both) > len(q.both)
}

func rank(segment string) int {
	switch segment {
	case "#":
		return 0
	case "*":
		return 1
	}
	return 2
}
