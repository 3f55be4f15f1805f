package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/internal/timetext"
	"github.com/aimdb-go/aimdb/key"
)

// parseParams parses query parameters, and refuses those that are not known or come twice.
func parseParams(query string, known []string) (url.Values, *problem) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, problemf(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return nil, wrongParameter(name, "there are no parameters here")
		case !slices.Contains(known, name):
			return nil, wrongParameter(name, "it is not known here; there are %s", strings.Join(known, ", "))
		case len(all) > 1:
			return nil, wrongParameter(name, "it is given %d times", len(all))
		}
	}
	return values, nil
}

// pattern returns the parameter pattern, "#" if there is none.
func (q *request) pattern() (string, *problem) {
	text := q.params.Get("pattern")
	if text == "" {
		return "#", nil
	}
	if _, err := key.ParsePattern(text); err != nil {
		return "", wrongParameter("pattern", "%v", err)
	}
	return text, nil
}

// number returns a parameter that is a whole number between two bounds.
func (q *request) number(name string, absent, least, most int) (int, *problem) {
	text := q.params.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, wrongParameter(name, "it is %.40q and must be a whole number from %d to %d", text, least, most)
	}
	return n, nil
}

// oneOf returns a parameter that is one of some words. The first is meant without it.
func (q *request) oneOf(name string, words ...string) (string, *problem) {
	text := q.params.Get(name)
	if text == "" {
		return words[0], nil
	}
	if !slices.Contains(words, text) {
		return "", wrongParameter(name, "it is %.40q and must be %s", text, strings.Join(words, ", "))
	}
	return text, nil
}

// time returns a parameter that is a time in Unix milliseconds, nil if there is none.
func (q *request) time(name string) (*int64, *problem) {
	text := q.params.Get(name)
	if text == "" {
		return nil, nil
	}
	ms, err := timetext.Parse(text, q.now)
	if err != nil {
		return nil, wrongParameter(name, "%v", err)
	}
	return &ms, nil
}

// width returns the parameter width in milliseconds.
func (q *request) width() (int64, *problem) {
	text := q.params.Get("width")
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 {
		return ms, nil
	}
	d, err := timetext.ParseSpan(text)
	if err != nil || d.Milliseconds() < 1 {
		return 0, wrongParameter("width", "it is %.40q and must be a duration such as 1m, 1h or 7d, or whole milliseconds", text)
	}
	return d.Milliseconds(), nil
}
