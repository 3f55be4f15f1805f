package history

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// Sample returns what a row with a time and a value has at the path.
func (p Path) Sample(ms int64, value []byte) Sample {
	s := Sample{Time: ms, Kind: NotNumeric}
	if jsonrule.Check(value) != nil {
		return s
	}
	found := p.find(value)
	switch {
	case len(found) == 0 || string(found) == "null":
		s.Kind = Missing
	case found[0] == '-' || found[0] >= '0' && found[0] <= '9':
		number, err := strconv.ParseFloat(string(found), 64)
		if err == nil { // else it is too large
			s.Kind, s.Number = Numeric, number
		}
	}
	return s
}

// find returns the part of valid JSON that the path leads to, nil if there is
// none.
func (p Path) find(value []byte) []byte {
	value = bytes.TrimSpace(value)
	for _, step := range p {
		if value = step.in(value); value == nil {
			return nil
		}
	}
	return value
}

// in returns what one step leads to: of several members of one name the last, as
// encoding/json has it.
func (s PathStep) in(value []byte) (found []byte) {
	element := s.Name == "" || s.Either && value[0] == '['
	if element && value[0] != '[' || !element && value[0] != '{' {
		return nil
	}
	i := skipSpace(value, 1)
	for n := 0; value[i] != ']' && value[i] != '}'; n++ {
		if value[i] == ',' {
			i = skipSpace(value, i+1)
		}
		here := n == s.Index
		if !element {
			end := skipValue(value, i)
			here = s.names(value[i:end])
			i = skipSpace(value, skipSpace(value, end)+1) // behind the colon
		}
		end := skipValue(value, i)
		if here {
			found = value[i:end]
		}
		i = skipSpace(value, end)
	}
	return found
}

// names reports whether a string in quotes is the name of the step.
func (s PathStep) names(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == s.Name
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == s.Name
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index behind the value that starts at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && skipSpace(b, i) == i {
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipNested(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}
