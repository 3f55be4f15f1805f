package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for in, want := range map[string]int64{
		"0":                           0,
		"1700000000000":               1_700_000_000_000,
		"2023-11-14T22:13:20Z":        1_700_000_000_000,
		"2023-11-14T23:13:20.5+01:00": 1_700_000_000_500,
		"1h":                          1_700_000_000_000 - 3_600_000,
		"1d":                          1_700_000_000_000 - 86_400_000,
		"1d12h":                       1_700_000_000_000 - 129_600_000,
		"0s":                          1_700_000_000_000,
		"100000d":                     0,
	} {
		got, err := parseTime(in, now)
		if err != nil || got != want {
			t.Errorf("parseTime(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "-1h", "+1h", "yesterday", "2023-11-14", "99999999999999999999",
		"253402300800000", "1969-12-31T23:59:59Z", "d", "1d-1h", "1.5d", "1h ", "9999999999d"} {
		if got, err := parseTime(in, now); err == nil {
			t.Errorf("parseTime(%q) = %d, want an error", in, got)
		}
	}
}

func TestParseTimeHints(t *testing.T) {
	for in, says := range map[string]string{
		"1700000000":       "looks like seconds; in Unix milliseconds it is 1700000000000",
		"999999999":        "looks like seconds",
		"2024":             "looks like a year; write 2024-01-01T00:00:00Z",
		"20240131":         "looks like a date; write 2024-01-31T00:00:00Z",
		"1700000000000000": "years 1970 to 9999", // microseconds
		"-1700000000":      "years 1970 to 9999",
	} {
		if got, err := parseTime(in, time.UnixMilli(base)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("parseTime(%q) = %d, %v; want an error that says %q", in, got, err, says)
		}
	}
	for in, want := range map[string]int64{"999": 999, "20241399": 20241399, "10000000000": 10_000_000_000, "1970-01-01T00:00:02.024Z": 2024} {
		if got, err := parseTime(in, time.UnixMilli(base)); err != nil || got != want {
			t.Errorf("parseTime(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	aimdb(t, "history", "query", historyFile(t, 3), "#", "--from", "1700000000").fails(t, exitUsage, "--from", "looks like seconds")
	aimdb(t, "record", "query", "#", "--to", "2024").fails(t, exitUsage, "--to", "looks like a year")
}

// FuzzParseTime: whatever is written, a time is in range, and what is printed
// of it reads as the same time.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"0", "1h", "7d", "1d1ns", "2023-11-14T22:13:20Z", "9223372036854775807", "106751d23h"} {
		f.Add(s)
	}
	now := time.UnixMilli(1_700_000_000_000)
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := parseTime(s, now)
		if err != nil {
			return
		}
		if ms < 0 || ms > maxTime {
			t.Fatalf("parseTime(%q) = %d is out of range", s, ms)
		}
		if again, err := parseTime(formatTime(ms), now); err != nil || again != ms {
			t.Fatalf("parseTime(%q) = %d, which prints as %q and reads as %d, %v", s, ms, formatTime(ms), again, err)
		}
	})
}
