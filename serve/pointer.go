package serve

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pointer is a JSON Pointer, as its tokens.
type pointer []string

func parsePointer(s string) (pointer, error) {
	if s == "" {
		return nil, nil
	}
	if !strings.HasPrefix(s, "/") {
		return nil, errors.New("a JSON Pointer begins with /, such as /temperature or /list/0/x")
	}
	tokens := strings.Split(s[1:], "/")
	for i, t := range tokens {
		rest := strings.ReplaceAll(strings.ReplaceAll(t, "~0", ""), "~1", "")
		if strings.Contains(rest, "~") {
			return nil, errors.New("in a JSON Pointer, ~ is followed by 0 or 1")
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// name is the last name on the way, for a signal.
func (p pointer) name() string {
	for _, token := range slices.Backward(p) {
		if _, err := strconv.Atoi(token); err != nil && token != "" {
			return token
		}
	}
	return "value"
}

// find returns the value at the pointer, nil if there is none.
func (p pointer) find(value json.RawMessage) json.RawMessage {
	for _, token := range p {
		var next json.RawMessage
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		if json.Unmarshal(value, &members) == nil {
			next = members[token]
		} else if i, err := strconv.ParseUint(token, 10, 31); err == nil && json.Unmarshal(value, &elements) == nil && int(i) < len(elements) {
			next = elements[i]
		}
		if next == nil {
			return nil
		}
		value = next
	}
	return value
}

// number returns the number at the pointer, NaN if there is none.
func (p pointer) number(value json.RawMessage) float64 {
	n, err := strconv.ParseFloat(string(p.find(value)), 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// time returns the time at the pointer: RFC 3339, or Unix milliseconds. It is zero if there
// is none.
func (p pointer) time(value json.RawMessage) time.Time {
	found := p.find(value)
	if ms, err := strconv.ParseInt(string(found), 10, 64); err == nil {
		return time.UnixMilli(ms)
	}
	var t time.Time
	if json.Unmarshal(found, &t) != nil {
		return time.Time{}
	}
	return t
}
