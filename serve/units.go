package serve

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/internal/timetext"
)

// parseSize parses a number of bytes: 512, 64MB, 1GiB, 1.5GiB.
func parseSize(s string) (int64, error) {
	wrong := fmt.Errorf("size %q: write a number of bytes, or one with a unit, such as 64MB or 1GiB", s)
	digits := strings.TrimRight(s, "BKMGTikmgtb")
	unit, ok := sizeUnit(s[len(digits):])
	if !ok || digits == "" || strings.ContainsAny(digits, "eE/+-_ xX") {
		return 0, wrong
	}
	n, ok := new(big.Rat).SetString(digits)
	if !ok {
		return 0, wrong
	}
	n.Mul(n, new(big.Rat).SetInt64(unit))
	if !n.IsInt() || !n.Num().IsInt64() {
		return 0, wrong
	}
	return n.Num().Int64(), nil
}

func sizeUnit(s string) (int64, bool) {
	switch s {
	case "", "B":
		return 1, true
	}
	at := strings.Index("KMGT", strings.ToUpper(s[:1]))
	base := int64(1000)
	switch rest := s[1:]; {
	case at < 0 || rest != "B" && rest != "iB":
		return 0, false
	case rest == "iB":
		base = 1024
	}
	n := base
	for range at {
		n *= base
	}
	return n, true
}

// parseSpan parses a duration.
func parseSpan(s string) (time.Duration, error) { return timetext.ParseSpan(s) }
