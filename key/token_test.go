package key

import (
	"strings"
	"testing"
)

// FuzzToken checks that a segment becomes exactly one token, and that two segments never
// become the same one.
func FuzzToken(f *testing.F) {
	f.Add("vienna", "50%")
	f.Add("a.b", "a%2Eb")
	f.Add("\u00a0", ">")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Token(a), Token(b)
		if a != "" && (x == "" || strings.ContainsAny(x, ".*> \t\r\n\x00")) {
			t.Fatalf("%q became %q", a, x)
		}
		if a != b && x == y && strings.ToValidUTF8(a, "") == a && strings.ToValidUTF8(b, "") == b {
			t.Fatalf("%q and %q both became %q", a, b, x)
		}
	})
}
