// Package doctor looks at the directory of a database, at settings, and at a running
// server, and says what is wrong and what to do. It changes nothing and takes no lock, so
// that it can look beside a running server.
package doctor

import (
	"fmt"
	"time"
)

// Severity says how bad a Finding is.
type Severity string

// The severities.
const (
	// OK is something that was looked at and is as it should be.
	OK Severity = "ok"
	// Warning is something that will probably become a problem, or that may be intended.
	Warning Severity = "warning"
	// Problem is something that loses values or keeps a database from its work.
	Problem Severity = "problem"
)

// Finding is the result of one check.
type Finding struct {
	Severity Severity `json:"severity"`
	// Check names the check, and Where is what it looked at: a path, a setting with its
	// place, an endpoint.
	Check string `json:"check"`
	Where string `json:"where"`
	// Text says what was found, and Do what to do, empty for OK.
	Text string `json:"text"`
	Do   string `json:"do,omitempty"`
}

// report collects findings.
type report struct {
	all []Finding
	now time.Time
}

func (r *report) ok(check, where, format string, args ...any) {
	r.all = append(r.all, Finding{OK, check, where, fmt.Sprintf(format, args...), ""})
}

func (r *report) warn(check, where, do, format string, args ...any) {
	r.all = append(r.all, Finding{Warning, check, where, fmt.Sprintf(format, args...), do})
}

func (r *report) problem(check, where, do, format string, args ...any) {
	r.all = append(r.all, Finding{Problem, check, where, fmt.Sprintf(format, args...), do})
}

// size is a number of bytes to read.
func size(n uint64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%d KiB", n/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%d MiB", n/unit/unit)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
}
