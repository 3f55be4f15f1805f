package rpc

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aimdb-go/aimdb/key"
)

// The tokens of wildcards.
const (
	Any = "_any" // one segment
	All = "_all" // one or more segments, at the end
)

// Prefix begins the subjects of the requests to a database.
func Prefix(database string) string { return "aimdb." + database + ".rpc." }

// SetPrefix begins the subjects of values that set records of a database.
func SetPrefix(database string) string { return "aimdb." + database + ".set." }

// ValueSubjects returns the beginnings of the subjects of values: those of records that
// persist, and those of others.
func ValueSubjects(database string) []string {
	return []string{"aimdb." + database + ".log", "aimdb." + database + ".live"}
}

// The headers of values that a client needs: the key of the record, and how many of its
// values were lost before this one.
const (
	KeyHeader  = "Aimdb-Key"
	LostHeader = "Aimdb-Lost"
)

// ServiceName returns the name of the service of a database.
func ServiceName(database string) string { return "aimdb-" + database }

// Tokens returns the tokens of a key or a pattern, each after a dot, and none for "#".
// It refuses what they cannot express: a '#' before the end. All is '*.#', so it stands
// for '#' exactly alone and after '*'. Elsewhere it leaves out one record that '#'
// includes: of "a.#" the record "a", which a permission for "a.>" does not include.
func Tokens(pattern string) (string, error) {
	segments := strings.Split(key.Normalize(pattern), ".")
	last := len(segments) - 1
	all := segments[last] == "#"
	switch {
	case all && last == 0:
		return "", nil
	case all && segments[last-1] == "*":
		segments = segments[:last-1]
	case all:
		segments = segments[:last]
	}
	var b strings.Builder
	for _, segment := range segments {
		b.WriteByte('.')
		switch segment {
		case "#":
			return "", fmt.Errorf("the pattern %q cannot be a NATS subject: '#' stands at its end only; ask for a wider pattern", pattern)
		case "*":
			b.WriteString(Any)
		default:
			b.WriteString(token(segment))
		}
	}
	if all {
		b.WriteString("." + All)
	}
	return b.String(), nil
}

// Filter returns the tokens of subscriptions to the values of records: where those of
// requests have Any and All, they have the wildcards of NATS.
func Filter(tokens string) string {
	if tokens == "" {
		return ".>"
	}
	parts := strings.Split(tokens, ".")
	for i, t := range parts {
		switch t {
		case Any:
			parts[i] = "*"
		case All:
			parts[i] = ">"
		case "%5F" + Any[1:], "%5F" + All[1:]:
			parts[i] = "_" + t[3:]
		}
	}
	return strings.Join(parts, ".")
}

// token encodes a segment that is no wildcard.
func token(segment string) string {
	if segment == Any || segment == All {
		return "%5F" + segment[1:]
	}
	return key.Token(segment)
}

// Parse returns the pattern that tokens stand for, without wildcards a key with '.' as
// its only separator. Empty tokens stand for every key.
func Parse(tokens string) (key.Pattern, error) {
	if tokens == "" {
		return key.ParsePattern("#")
	}
	var segments []string
	parts := strings.Split(tokens, ".")
	for i, t := range parts {
		switch {
		case t == Any:
			segments = append(segments, "*")
		case t == All && i < len(parts)-1:
			return key.Pattern{}, fmt.Errorf("the token %s stands at the end of a subject only", All)
		case t == All:
			if i > 0 {
				segments = append(segments, "*")
			}
			segments = append(segments, "#")
		default:
			segment, err := url.PathUnescape(t)
			if err != nil || token(segment) != t || key.Normalize(segment) != segment || strings.ContainsAny(segment, ".*#") {
				return key.Pattern{}, fmt.Errorf("the token %q is not how a segment of a key is written; write %s for '*', and %s for '#' at the end", t, Any, All)
			}
			segments = append(segments, segment)
		}
	}
	return key.ParsePattern(strings.Join(segments, "."))
}
