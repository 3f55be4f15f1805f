package sqlite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// jsonPath turns the path of a records.BucketQuery into the form of SQLite's
// JSON functions, with every name quoted.
func jsonPath(text string) (string, error) {
	rest := strings.TrimPrefix(text, "$")
	if rest != text {
		rest = strings.TrimPrefix(rest, ".")
	}
	var path strings.Builder
	path.WriteByte('$')
	for first := true; rest != ""; first = false {
		element, after, err := cutElement(rest, first)
		if err != nil {
			return "", &history.QueryError{Reason: fmt.Sprintf("the JSON path %q is not one: %v; write it like error_celsius, wind.gust or list[0].t", text, err)}
		}
		path.WriteString(element)
		rest = after
	}
	return path.String(), nil
}

// cutElement reads one member or index from the front of a path.
func cutElement(text string, first bool) (element, rest string, err error) {
	if text[0] == '[' {
		return cutIndex(text)
	}
	if !first {
		if text[0] != '.' {
			return "", "", fmt.Errorf("a '.' is missing before %q", text)
		}
		text = text[1:]
	}
	if strings.HasPrefix(text, `"`) {
		name, rest, closed := strings.Cut(text[1:], `"`)
		if !closed {
			return "", "", fmt.Errorf("a quote is not closed")
		}
		return member(name, rest)
	}
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	return member(text[:end], text[end:])
}

func member(name, rest string) (string, string, error) {
	if name == "" || strings.ContainsAny(name, "\"\\]\x00") {
		return "", "", fmt.Errorf("%q is not the name of a member", name)
	}
	return `."` + name + `"`, rest, nil
}

func cutIndex(text string) (element, rest string, err error) {
	digits, rest, closed := strings.Cut(text[1:], "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !closed || err != nil {
		return "", "", fmt.Errorf("%q is not an index", text)
	}
	return "[" + strconv.FormatUint(n, 10) + "]", rest, nil
}
