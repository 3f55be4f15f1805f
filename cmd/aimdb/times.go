package main

import (
	"time"

	"github.com/aimdb-go/aimdb/internal/timetext"
)

func parseTime(s string, now time.Time) (int64, error) { return timetext.Parse(s, now) }

func parseSpan(s string) (time.Duration, error) { return timetext.ParseSpan(s) }

func formatTime(ms int64) string { return timetext.Format(ms) }

// timeFlag is a flag with a time, which is nil unless it is given.
type timeFlag struct{ ms **int64 }

// String implements pflag.Value.
func (f timeFlag) String() string {
	if f.ms == nil || *f.ms == nil {
		return ""
	}
	return formatTime(**f.ms)
}

// Set implements pflag.Value.
func (f timeFlag) Set(s string) error {
	ms, err := parseTime(s, time.Now())
	if err != nil {
		return err
	}
	*f.ms = &ms
	return nil
}

// Type implements pflag.Value.
func (timeFlag) Type() string { return "time" }

// spanFlag is a flag with a duration as parseSpan takes it.
type spanFlag struct{ d *time.Duration }

// String implements pflag.Value.
func (f spanFlag) String() string {
	if f.d == nil || *f.d == 0 {
		return ""
	}
	return f.d.String()
}

// Set implements pflag.Value.
func (f spanFlag) Set(s string) (err error) {
	*f.d, err = parseSpan(s)
	return err
}

// Type implements pflag.Value.
func (spanFlag) Type() string { return "duration" }
