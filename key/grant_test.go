package key_test

import (
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/key"
)

func TestGrantsPattern(t *testing.T) {
	for _, row := range []struct {
		grant   string
		yes, no string // patterns, separated by spaces
	}{
		{"#", "# * a a.b a.# a::* #.#", ""},
		{"*", "* a", "# a.b a::b a.*"},
		{"a.*", "a.b a.* a::b a::*", "a.# a a.b.c a.*.* # *"},
		{"a::*", "a.b a.* a::b", "a.# x.b"},
		{"a.#", "a a.* a.b.# a.# a::b", "# b b.# *.a"},
		{"a.#.z", "a.z a.b.z a.*.z a.#.z a.#.b.z", "a a.b a.#"},
		{"a.*.#", "a.b a.*.c a.*.#", "a a.# a.#.a"}, // it covers the last one, and refuses it
		{"a.b", "a.b a::b", "a.* a.# a a.b.c"},
	} {
		grant := key.WirePattern(row.grant)
		for asked := range strings.FieldsSeq(row.yes) {
			if !grant.GrantsPattern(key.WirePattern(asked)) {
				t.Errorf("the grant %q refuses %q", row.grant, asked)
			}
		}
		for asked := range strings.FieldsSeq(row.no) {
			if grant.GrantsPattern(key.WirePattern(asked)) {
				t.Errorf("the grant %q allows %q", row.grant, asked)
			}
		}
	}
	if (key.Pattern{}).Grants("a") || (key.Pattern{}).GrantsPattern(key.WirePattern("a")) {
		t.Error("the zero pattern grants something")
	}
}

// TestGrantsAreSafe: a grant that covers a pattern covers each key that the pattern
// matches when both are normalized.
func TestGrantsAreSafe(t *testing.T) {
	rng := random(t)
	word := func(parts ...string) string {
		var segments []string
		for range 1 + rng.IntN(4) {
			segments = append(segments, parts[rng.IntN(len(parts))])
		}
		return strings.Join(segments, []string{".", "::"}[rng.IntN(2)])
	}
	covered := 0
	for range 100_000 {
		grant, asked, name := key.WirePattern(word("a", "b", "*", "#")), key.WirePattern(word("a", "b", "*", "#")), word("a", "b", "c")
		if !grant.GrantsPattern(asked) || !slowMatch(splitBoth(asked.String()), splitBoth(name)) {
			continue
		}
		covered++
		if !grant.Grants(name) {
			t.Fatalf("the grant %q allows %q, which matches %q, and does not cover that key", grant, asked, name)
		}
	}
	if covered < 1000 {
		t.Errorf("only %d cases say something", covered)
	}
}

// TestGrantsIgnoreTheSpelling: the rule of AimX 3.0, which splits on '.' alone, gives no
// more than the grant says.
func TestGrantsIgnoreTheSpelling(t *testing.T) {
	for _, c := range []struct {
		grant, name string
		want        bool
	}{
		{"*", "a::b", false}, {"*", "a", true}, {"x.*", "x.a::b", false}, {"x.*", "x::a", true},
		{"x::*", "x.a", true}, {"a.*", "a.*", true}, {"a.b", "a::b", true},
	} {
		if got := key.WirePattern(c.grant).Grants(c.name); got != c.want {
			t.Errorf("the grant %q covers %q: %v", c.grant, c.name, got)
		}
	}
}
