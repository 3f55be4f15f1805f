package timetext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxTime is the last millisecond that RFC 3339 can write.
const MaxTime = 253402300799999

// Parse parses a time in RFC 3339, in Unix milliseconds, or as a duration before
// now, and returns Unix milliseconds. It refuses what looks like seconds, a year or a
// date.
func Parse(s string, now time.Time) (int64, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		if err := checkMillis(ms); err != nil {
			return 0, fmt.Errorf("time %q %w", s, err)
		}
		return ms, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		ms := t.UnixMilli()
		if ms < 0 || ms > MaxTime {
			return 0, fmt.Errorf("time %q is not in the years 1970 to 9999", s)
		}
		return ms, nil
	}
	back, err := ParseSpan(s)
	if err != nil {
		return 0, fmt.Errorf("time %q: write RFC 3339 (2026-01-31T12:00:00Z), Unix milliseconds, or a duration back from now (90m, 7d)", s)
	}
	// A duration beyond 1970 means 1970.
	return max(now.Add(-back).UnixMilli(), 0), nil
}

// checkMillis refuses a number that is a millisecond of early 1970 if taken as
// it is, and was nearly always meant in another way.
func checkMillis(n int64) error {
	year, month, day := n/1_00_00, n/100%100, n%100
	switch {
	case n >= 1000 && n <= 9999:
		return fmt.Errorf("looks like a year; write %d-01-01T00:00:00Z", n)
	case year >= 1000 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31:
		return fmt.Errorf("looks like a date; write %d-%02d-%02dT00:00:00Z", year, month, day)
	case n >= 100_000_000 && n <= 9_999_999_999:
		return fmt.Errorf("looks like seconds; in Unix milliseconds it is %d000", n)
	case n < 0 || n > MaxTime:
		return fmt.Errorf("is not between 0 and %d, the Unix milliseconds of the years 1970 to 9999", int64(MaxTime))
	}
	return nil
}

// ParseSpan parses a duration that is not negative. It takes the units of Go and a
// leading number of days, d, of 24 hours: 90s, 1h30m, 7d, 1d12h.
func ParseSpan(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	wrong := fmt.Errorf("duration %q: write a number with a unit, such as 90s, 1h30m or 7d", s)
	var days time.Duration
	rest := s
	if n, after, ok := strings.Cut(s, "d"); ok {
		count, err := strconv.ParseUint(n, 10, 32)
		if err != nil || count > uint64(math.MaxInt64/day) {
			return 0, wrong
		}
		days, rest = time.Duration(count)*day, after
	}
	if rest == "" && s != "" {
		return days, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || days > math.MaxInt64-d || strings.ContainsAny(rest, "+-") {
		return 0, wrong
	}
	return days + d, nil
}

// Format writes Unix milliseconds in RFC 3339, in UTC, with milliseconds.
func Format(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
