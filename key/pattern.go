package key

import (
	"fmt"
	"strings"
)

// Pattern selects records by their keys. It is made of segments like a key;
// the segment '*' stands for exactly one segment and '#' for zero or more.
//
// A pattern matches a key if it does when both are split on '.' alone (the rule
// of AimX 3.0), or when both are split on '.' and '::'. So "accuracy::*",
// "accuracy.*" and "accuracy.#" all match the key "accuracy::vienna", and so
// does "*". The zero Pattern matches nothing.
type Pattern struct {
	text string
	// dots and both are the segments under the two rules.
	dots, both []string
}

// ParsePattern reads a pattern written by a person. A '*' or '#' inside a
// segment is an error, because whoever writes it expects something that it
// would not do.
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

// WirePattern reads a pattern that came over the wire, where nothing is
// refused: a segment that has a wildcard inside is taken literally, and since
// no key can contain one, it matches nothing.
func WirePattern(s string) Pattern {
	return Pattern{text: s, dots: strings.Split(s, "."), both: strings.Split(Normalize(s), ".")}
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Exact returns the key that a pattern without wildcards names. Such a pattern
// also matches the same segments in another spelling.
func (p Pattern) Exact() (key string, ok bool) {
	return p.text, p.both != nil && !strings.ContainsAny(p.text, "*#")
}

// Prefix returns what the normalized form of every matching key starts with.
// It is empty if nothing can be said.
func (p Pattern) Prefix() string {
	var prefix strings.Builder
	for i, segment := range p.both {
		if segment == "#" {
			return prefix.String() // "a.#" matches "a" too, so no '.' behind it
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
	return p.text == key || match(p.dots, key, false) || match(p.both, key, true)
}

// match walks over pattern and key side by side. After a '#' it remembers where
// it was: when the rest does not fit, the last '#' takes one more segment. To
// go back to an earlier '#' is never needed, since whatever it would take more,
// the last one can.
func match(pattern []string, key string, both bool) bool {
	p, at := 0, 0
	retry, retryAt := -1, 0
	for at <= len(key) {
		segment, next := cutSegment(key, at, both)
		switch {
		case p < len(pattern) && pattern[p] == "#":
			retry, retryAt = p, at
			p++
		case p < len(pattern) && (pattern[p] == "*" || pattern[p] == segment):
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

// cutSegment returns the segment that starts at a position, and the start of
// the next one, which is behind the end of the key after the last segment.
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
