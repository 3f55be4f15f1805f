package sqlite

import (
	"strconv"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// numberPath leads to a number in a value. SQLite's own functions do not find it:
// they take the first of several members of one name, accept broken UTF-8 and make
// 1e999 infinite.
type numberPath []jsonrule.Step

func newNumberPath(path history.Path) numberPath {
	steps := make(numberPath, len(path))
	for i, step := range path {
		steps[i] = jsonrule.Step{Name: step.Name, Index: step.Index}
	}
	return steps
}

// number reads the number that a value has at the path. A number that no float64
// holds is not numeric.
func (p numberPath) number(value []byte) (float64, history.SampleKind) {
	if jsonrule.Check(value) != nil {
		return 0, history.NotNumeric
	}
	found := jsonrule.At(value, p)
	if len(found) == 0 || string(found) == "null" {
		return 0, history.Missing
	}
	if c := found[0]; c != '-' && (c < '0' || c > '9') {
		return 0, history.NotNumeric
	}
	number, err := strconv.ParseFloat(string(found), 64)
	if err != nil { // too large
		return 0, history.NotNumeric
	}
	return number, history.Numeric
}
