package rpc

import (
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/key"
)

func TestTokens(t *testing.T) {
	for _, c := range []struct{ pattern, tokens, means string }{
		{"attic.co2", ".attic.co2", "attic.co2"},
		{"attic::co2", ".attic.co2", "attic.co2"},
		{"50%", ".50%25", "50%"},
		{"#", "", "#"},
		{"*.#", "._all", "#"},
		{"*", "._any", "*"},
		{"*.co2", "._any.co2", "*.co2"},
		{"attic.*", ".attic._any", "attic.*"},
		{"attic.#", ".attic._all", "attic.*.#"}, // all but the record attic
		{"attic.*.#", ".attic._all", "attic.*.#"},
		{"attic.*.*.#", ".attic._any._all", "attic.*.*.#"},
		{"_any._all", ".%5Fany.%5Fall", "_any._all"},
		{"_Any._", "._Any._", "_Any._"},
	} {
		tokens, err := Tokens(c.pattern)
		if err != nil || tokens != c.tokens {
			t.Errorf("%s: %s, %v; want %s", c.pattern, tokens, err, c.tokens)
			continue
		}
		p, err := Parse(strings.TrimPrefix(tokens, "."))
		if err != nil || p.String() != c.means {
			t.Errorf("%s means %s, %v; want %s", tokens, p, err, c.means)
		}
	}
	for _, pattern := range []string{"#.co2", "a.#.b"} {
		if tokens, err := Tokens(pattern); err == nil {
			t.Errorf("%s became %s", pattern, tokens)
		}
	}
	for _, tokens := range []string{
		"_all.a", "%61ttic", "a%2Eb", "a.%2A", "%2a", "a::b", "a..b", ".", "a%", "%5Fa", "%23", "#", "*", ">", "%22", "%3A%3A", "a%3A:b",
	} {
		if p, err := Parse(tokens); err == nil {
			t.Errorf("%s was taken for %s", tokens, p)
		}
	}
}

// FuzzParse: tokens that are accepted are the only spelling of their pattern.
func FuzzParse(f *testing.F) {
	for _, tokens := range []string{"attic.co2", "50%25", "_any._all", "%5Fall", "a::b", ":.:"} {
		f.Add(tokens)
	}
	f.Fuzz(func(t *testing.T, tokens string) {
		p, err := Parse(tokens)
		if err != nil {
			return
		}
		again, err := Tokens(p.String())
		if tokens == All && again == "" || tokens == "" && again == "" {
			return
		}
		if err != nil || again != "."+tokens {
			t.Fatalf("%q is %q, which is %q, %v", tokens, p, again, err)
		}
		if name, exact := p.Exact(); exact && len((key.WirePattern(name).Prefix())) == 0 {
			t.Fatalf("%q is no key", name)
		}
	})
}
