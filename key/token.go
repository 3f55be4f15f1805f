package key

import (
	"fmt"
	"strings"
)

// Token encodes a segment of a key as a token of a NATS subject. Bytes that a token
// cannot hold, and '%' itself, become %XX, so that two segments never map to one token.
// In a valid key these are only '%' and white space beyond ASCII.
func Token(segment string) string {
	if !strings.ContainsFunc(segment, needsEscape) {
		return segment
	}
	var b strings.Builder
	for _, r := range segment {
		if !needsEscape(r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func needsEscape(r rune) bool {
	switch r {
	case '.', '*', '>', '%', '\u0085', '\u00a0', '\ufeff':
		return true
	}
	return r <= ' ' || r == 0x7f
}
