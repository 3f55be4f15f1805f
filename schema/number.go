package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxExponent is the largest exponent of a number that is compared. The comparison is
// exact, and writes out all digits.
const maxExponent = 1000

// immense returns the first number whose exponent is too large, and its JSON Pointer.
func immense(v any, path string) (string, string) {
	switch v := v.(type) {
	case json.Number:
		if exponent(v.String()) > maxExponent {
			return path, v.String()
		}
	case []any:
		for i, element := range v {
			if at, number := immense(element, path+"/"+strconv.Itoa(i)); number != "" {
				return at, number
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if at, number := immense(v[name], path+"/"+escaped(name)); number != "" {
				return at, number
			}
		}
	}
	return "", ""
}

// exponent returns the size of the exponent of a number.
func exponent(number string) int {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return 0
	}
	n, err := strconv.Atoi(number[at+1:])
	if err != nil {
		return maxExponent + 1
	}
	return max(n, -n)
}

// escaped writes a name as a token of a JSON Pointer.
func escaped(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
