package key_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/key"
)

func TestPatternMatches(t *testing.T) {
	for _, row := range []struct {
		pattern string
		yes, no string // keys, separated by spaces
	}{
		// The rule of AimX 3.0.
		{"#", "a temp.vienna accuracy::vienna", ""},
		{"*", "temp accuracy::vienna", "temp.vienna"},
		{"temp.*", "temp.vienna", "temp temp.vienna.in"},
		{"temp.#", "temp temp.vienna.in", "temperature"},
		{"*.vienna", "temp.vienna", "vienna"},
		{"#.vienna", "vienna a.b.vienna", "vienna.a"},
		{"a.*.c", "a.b.c", "a.c a.b.b.c"},
		{"a.#.c", "a.c a.b.b.c", "a.b"},
		{"a.*.#", "a.b a.b.c", "a"},
		{"#.b.#.b", "b.b a.b.c.b a.b.b.c.b", "b a.b"},
		{"te*", "", "temp te"},
		{"temp.v*", "", "temp.vienna"},
		{"temp#", "", "temp"},
		{"**", "", "a"},
		{"a.*.b", "a..b", ""},
		{"Temp.vienna", "", "temp.vienna"},
		{"sensors.#", "", "sensors/temp"},
		// Both separators.
		{"accuracy::*", "accuracy::vienna accuracy.vienna", "temp accuracy accuracy.a.b"},
		{"accuracy.*", "accuracy::vienna accuracy.vienna", "temp accuracy"},
		{"accuracy.#", "accuracy::vienna accuracy.vienna accuracy", "temp"},
		{"accuracy::vienna", "accuracy::vienna accuracy.vienna", "accuracy:vienna"},
		{"", "", "a"},
	} {
		p := key.WirePattern(row.pattern)
		for key := range strings.FieldsSeq(row.yes) {
			if !p.Match(key) {
				t.Errorf("pattern %q does not match key %q", row.pattern, key)
			}
		}
		for key := range strings.FieldsSeq(row.no) {
			if p.Match(key) {
				t.Errorf("pattern %q matches key %q", row.pattern, key)
			}
		}
	}
	if (key.Pattern{}).Match("a") {
		t.Error("the zero pattern matches a key")
	}
}

func TestPatternPrefix(t *testing.T) {
	for pattern, want := range map[string]string{
		"#": "", "*": "", "a": "a", "a.#": "a", "a.*": "a.", "a::*": "a.", "a::b.#.c": "a.b", "*.a": "", "a.b.c": "a.b.c",
	} {
		if got := key.WirePattern(pattern).Prefix(); got != want {
			t.Errorf("prefix of %q: got %q, want %q", pattern, got, want)
		}
	}
}

func TestPatternExact(t *testing.T) {
	if key, ok := key.WirePattern("a::b").Exact(); !ok || key != "a::b" {
		t.Errorf("got %q, %v", key, ok)
	}
	for _, p := range []string{"a.*", "#", "te*"} {
		if _, ok := key.WirePattern(p).Exact(); ok {
			t.Errorf("%q is no exact key", p)
		}
	}
}

func TestGrammar(t *testing.T) {
	for _, name := range []string{"a", "temp::vienna", "a.b::c", "grad/°C", "a:b", "server::Temp_1-x", strings.Repeat("k", 200)} {
		if _, err := key.Parse(name); err != nil {
			t.Error(err)
		}
		if _, err := key.ParsePattern(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{
		"", ".", "a.", ".a", "a..b", "::", "a::", "::a", "a.::b", "a b", "a\tb", "a\u00a0b", "a\u2028b", `a"b`, "a'b", "a`b",
		`a\b`, "a>b", "a\xffb", strings.Repeat("k", 201),
	} {
		if _, err := key.Parse(name); err == nil {
			t.Errorf("key %q was accepted", name)
		}
		if _, err := key.ParsePattern(name); err == nil {
			t.Errorf("pattern %q was accepted", name)
		}
	}
	for _, p := range []string{"te*", "a.b*", "a#.c", "**", "a::*x"} {
		if _, err := key.ParsePattern(p); err == nil {
			t.Errorf("pattern %q was accepted", p)
		}
		if _, err := key.Parse(p); err == nil {
			t.Errorf("key %q was accepted", p)
		}
	}
	for _, p := range []string{"*", "#", "a::*", "a.#", "#.b.*"} {
		if _, err := key.ParsePattern(p); err != nil {
			t.Error(err)
		}
	}
}

// FuzzPattern compares the matcher with the definition, read aloud.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"#.a.#.b", "a.a.b.b"}, {"accuracy::*", "accuracy::vienna"}, {"a.#", "a"}, {"*", "a::b"}, {"", ""}, {"#.*", "a:::b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		const longest = 200 // of a key
		comparePattern(t, pattern[:min(len(pattern), longest)], name[:min(len(name), longest)])
	})
}

// TestPatternRandom does the same with patterns made of little else but
// separators and wildcards.
func TestPatternRandom(t *testing.T) {
	rng := random(t)
	word := func(parts []string) string {
		var b strings.Builder
		for range rng.IntN(9) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		return b.String()
	}
	for range 50_000 {
		comparePattern(t, word([]string{"a", "b", "*", "#", ".", "::", ":"}), word([]string{"a", "b", ".", "::", ":"}))
	}
}

func comparePattern(t *testing.T, pattern, name string) {
	t.Helper()
	p := key.WirePattern(pattern)
	want := pattern == name ||
		slowMatch(strings.Split(pattern, "."), strings.Split(name, ".")) ||
		slowMatch(splitBoth(pattern), splitBoth(name))
	if got := p.Match(name); got != want {
		t.Fatalf("pattern %q, key %q: got %v, want %v", pattern, name, got, want)
	}
	if want && !strings.HasPrefix(key.Normalize(name), p.Prefix()) {
		t.Fatalf("pattern %q matches key %q, which does not start with its prefix %q", pattern, name, p.Prefix())
	}
}

func splitBoth(s string) []string { return strings.Split(strings.ReplaceAll(s, "::", "."), ".") }

// slowMatch keeps every number of segments of the key that the pattern so far
// may stand for.
func slowMatch(pattern, key []string) bool {
	taken := map[int]bool{0: true}
	for _, segment := range pattern {
		after := map[int]bool{}
		for n := range taken {
			if segment == "#" {
				for more := n; more <= len(key); more++ {
					after[more] = true
				}
			} else if n < len(key) && (segment == "*" || segment == key[n]) {
				after[n+1] = true
			}
		}
		taken = after
	}
	return taken[len(key)]
}

// random returns a source whose seed is printed when the test fails.
func random(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}
