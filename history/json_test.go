package history

import (
	"reflect"
	"regexp"
	"testing"
)

// What is printed and sent has members in snake_case, all of them named. Errors are for the
// program alone.
func TestJSONNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*(,omitempty|,omitzero)?$`)
	for _, v := range []any{Row{}, Point{}, Page{}, Stats{}, RecordStats{}, Bucket{}, PruneReport{}, PrunedRecord{}, HeldRecord{}, Position{}} {
		for field := range reflect.TypeOf(v).Fields() {
			if field.Type == reflect.TypeFor[error]() && field.Tag.Get("json") == "-" {
				continue
			}
			if !name.MatchString(field.Tag.Get("json")) {
				t.Errorf("%T.%s has the tag %q", v, field.Name, field.Tag)
			}
		}
	}
}
