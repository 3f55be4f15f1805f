package bus

import (
	"testing"

	"github.com/aimdb-go/aimdb/key"
)

func TestSubjects(t *testing.T) {
	s := subjects{"hub"}
	for name, want := range map[string]string{
		"accuracy::vienna": "aimdb.hub.log.accuracy.vienna",
		"accuracy.vienna":  "aimdb.hub.log.accuracy.vienna",
		"a":                "aimdb.hub.log.a",
		"grün::a-b_c":      "aimdb.hub.log.grün.a-b_c",
		"50%::x":           "aimdb.hub.log.50%25.x",
		"a:b":              "aimdb.hub.log.a:b",
		"$JS::API":         "aimdb.hub.log.$JS.API",
		"a::b.c::d":        "aimdb.hub.log.a.b.c.d",
	} {
		k, err := key.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.of(logKind, k.Segments()); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
