package sqlite

import (
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// sample is what a row has at the path of a bucket query.
type sample struct {
	point
	kind   sampleKind
	number float64
}

type sampleKind uint8

const (
	numeric sampleKind = iota
	// missing is nothing at the path, or null.
	missing
	// notNumeric is something else there, a number that no float64 holds, or a
	// value that is not JSON by the rule of package jsonrule.
	notNumeric
)

// numberPath leads to a number in a value. Numbers are not looked for with
// SQLite's functions: these take the first of several members of one name,
// accept broken UTF-8 and make 1e999 infinite.
type numberPath []jsonrule.Step

func newNumberPath(text string) (numberPath, error) {
	path, err := jsonPath(text)
	if err != nil {
		return nil, err
	}
	steps := numberPath{}
	for rest := path[1:]; rest != ""; { // behind the $
		if name, quoted := strings.CutPrefix(rest, `."`); quoted {
			name, rest, _ = strings.Cut(name, `"`)
			steps = append(steps, jsonrule.Step{Name: name})
			continue
		}
		var digits string
		digits, rest, _ = strings.Cut(rest[1:], "]")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, err // jsonPath has read the number
		}
		steps = append(steps, jsonrule.Step{Index: n})
	}
	return steps, nil
}

// number reads the number that a value has at the path.
func (p numberPath) number(value []byte) (float64, sampleKind) {
	if jsonrule.Check(value) != nil {
		return 0, notNumeric
	}
	found := jsonrule.At(value, p)
	if len(found) == 0 || string(found) == "null" {
		return 0, missing
	}
	if c := found[0]; c != '-' && (c < '0' || c > '9') {
		return 0, notNumeric
	}
	number, err := strconv.ParseFloat(string(found), 64)
	if err != nil { // too large
		return 0, notNumeric
	}
	return number, numeric
}
