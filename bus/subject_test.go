package bus

import (
	"strings"
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

// FuzzToken checks that a segment becomes exactly one token, and that two segments never
// become the same one.
func FuzzToken(f *testing.F) {
	f.Add("vienna", "50%")
	f.Add("a.b", "a%2Eb")
	f.Add("\u00a0", ">")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := escapeToken(a), escapeToken(b)
		if a != "" && (x == "" || strings.ContainsAny(x, ".*> \t\r\n\x00")) {
			t.Fatalf("%q became %q", a, x)
		}
		if a != b && x == y && strings.ToValidUTF8(a, "") == a && strings.ToValidUTF8(b, "") == b {
			t.Fatalf("%q and %q both became %q", a, b, x)
		}
	})
}
