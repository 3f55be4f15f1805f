package serve_test

import (
	"strings"
	"testing"
)

// TestGreetShowsHowToSet: the example of the start sets a record that the settings have.
func TestGreetShowsHowToSet(t *testing.T) {
	for records, key := range map[string]string{
		"records:\n  - pattern: 'line.*.weight'\n":                                        "line.example.weight",
		"records:\n  - pattern: '#'\n":                                                    "room.temperature",
		"records:\n  - {key: room.temperature, writable: false}\n  - pattern: 'room.*'\n": "room.example",
		"records:\n  - {key: a, writable: false}\n":                                       "",
	} {
		r := start(t, records)
		var b strings.Builder
		if err := r.Greet(&b); err != nil {
			t.Fatal(err)
		}
		_, example, shown := strings.Cut(b.String(), "Set a value: aimdb record set ")
		if shown != (key != "") || !strings.HasPrefix(example, key) {
			t.Errorf("%s shows %q, want %q", records, example, key)
		}
		if key != "" {
			if err := r.set(t, key, `{"celsius": 21.5}`); err != nil {
				t.Error(err)
			}
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
	}
}
