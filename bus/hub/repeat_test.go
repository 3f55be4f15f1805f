package hub

import (
	"maps"
	"strconv"
	"testing"
)

// TestRepeats: messages of two logs with the same numbers and times are repeats, by record.
// Each value is "record number time" in one digit each.
func TestRepeats(t *testing.T) {
	for name, c := range map[string]struct {
		logs []string
		want map[string]uint64
	}{
		"one log":                      {logs: []string{"a11 a22 b11"}},
		"a log that was created again": {logs: []string{"a11 a22 b11", "a13 a24 a35"}},
		"all again":                    {logs: []string{"a11 a22 b11", "a11 a22 b11 a33"}, want: map[string]uint64{"a": 2, "b": 1}},
		"without the begin":            {logs: []string{"a11 a22 a33 b11", "a22 a33 a44"}, want: map[string]uint64{"a": 2}},
		"without the end":              {logs: []string{"a11 a22 a33", "a11 a22"}, want: map[string]uint64{"a": 2}},
		"a third time":                 {logs: []string{"a11 a22", "a11 a22 a33", "a11 a22 a33 a44"}, want: map[string]uint64{"a": 5}},
		"after a log without it":       {logs: []string{"a11 a22", "b11", "a11 a22"}, want: map[string]uint64{"a": 2}},
		"other ones, then new ones":    {logs: []string{"a11 a22", "a13 a24", "a13 a24"}, want: map[string]uint64{"a": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var r repeats
			for _, log := range c.logs {
				r.end()
				for i := 0; i < len(log); i += 4 {
					number, err := strconv.ParseUint(log[i+1:i+2], 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					r.take(log[i:i+1], written{0, number, log[i+2 : i+3]})
				}
			}
			r.end()
			if !maps.Equal(r.found, c.want) {
				t.Errorf("%v, want %v", r.found, c.want)
			}
		})
	}
}
