package serve

import (
	"fmt"
	"math/big"
	"strconv"
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

// formatSize writes a number of bytes so that parseSize reads it.
func formatSize(n int64) string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size, _ := sizeUnit(unit); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

// formatSpan writes a duration so that timetext.ParseSpan reads it.
func formatSpan(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseSpan parses a duration.
func parseSpan(s string) (time.Duration, error) { return timetext.ParseSpan(s) }
