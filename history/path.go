package history

import (
	"fmt"
	"strconv"
	"strings"
)

// Path leads to a place inside a JSON value; an empty one is the value itself.
type Path []PathStep

// PathStep is one step of a Path: into the member of an object, or into the
// element of an array if Name is empty. A number in a JSON Pointer is both: Either is true,
// and the value decides.
type PathStep struct {
	Name   string
	Index  int
	Either bool
}

// ParsePath reads the path of a BucketQuery: names with dots, or a JSON Pointer. It returns
// a QueryError for a text that is neither.
func ParsePath(text string) (Path, error) {
	if strings.HasPrefix(text, "/") {
		return parsePointer(text)
	}
	rest := strings.TrimPrefix(text, "$")
	if rest != text {
		rest = strings.TrimPrefix(rest, ".")
	}
	var path Path
	for rest != "" {
		step, after, err := cutStep(rest, len(path) == 0)
		if err != nil {
			return nil, refuse("the JSON path %q is not one: %v; write it like error_celsius, wind.gust or list[0].t, or as a JSON Pointer like /wind/gust", text, err)
		}
		path, rest = append(path, step), after
	}
	return path, nil
}

// parsePointer reads a JSON Pointer (RFC 6901) that is not empty.
func parsePointer(text string) (path Path, err error) {
	for token := range strings.SplitSeq(text[1:], "/") {
		if rest := strings.NewReplacer("~0", "", "~1", "").Replace(token); token == "" || strings.Contains(rest, "~") {
			return nil, refuse("the JSON Pointer %q is not one: a name in it is not empty, and ~ is followed by 0 or 1; write it like /wind/gust or /list/0/t", text)
		}
		step := PathStep{Name: strings.NewReplacer("~0", "~", "~1", "/").Replace(token)}
		if n, err := strconv.ParseUint(token, 10, 31); err == nil && strconv.FormatUint(n, 10) == token {
			step.Index, step.Either = int(n), true
		}
		path = append(path, step)
	}
	return path, nil
}

// cutStep reads one member or index from the front of a path.
func cutStep(text string, first bool) (step PathStep, rest string, err error) {
	if text[0] == '[' {
		return cutIndex(text)
	}
	if !first {
		if text[0] != '.' {
			return PathStep{}, "", fmt.Errorf("a '.' is missing before %q", text)
		}
		text = text[1:]
	}
	if strings.HasPrefix(text, `"`) {
		name, rest, closed := strings.Cut(text[1:], `"`)
		if !closed {
			return PathStep{}, "", fmt.Errorf("a quote is not closed")
		}
		return member(name, rest)
	}
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	return member(text[:end], text[end:])
}

func member(name, rest string) (PathStep, string, error) {
	if name == "" || strings.ContainsAny(name, "\"\\]\x00") {
		return PathStep{}, "", fmt.Errorf("%q is not the name of a member", name)
	}
	return PathStep{Name: name}, rest, nil
}

func cutIndex(text string) (step PathStep, rest string, err error) {
	digits, rest, closed := strings.Cut(text[1:], "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !closed || err != nil {
		return PathStep{}, "", fmt.Errorf("%q is not an index", text)
	}
	return PathStep{Index: int(n)}, rest, nil
}
