package outage

import (
	"log/slog"
	"sync"
	"time"
)

// Outage knows whether something works. It is safe for concurrent use.
type Outage struct {
	log          *slog.Logger
	begins, ends string

	mu       sync.Mutex
	err      error // why it does not work, nil while it does
	since    time.Time
	failures uint64
}

// New makes an Outage of something that works. The messages go to log, the first
// as an error when an outage begins, the second when it is over.
func New(log *slog.Logger, begins, ends string) *Outage {
	return &Outage{log: log, begins: begins, ends: ends}
}

// Failed counts a failure. If it is the first of an outage, it is logged, with
// args added to the line.
func (o *Outage) Failed(err error, args ...any) {
	o.mu.Lock()
	begins := o.err == nil
	if begins {
		o.since = time.Now()
	}
	o.err = err
	o.failures++
	o.mu.Unlock()
	if begins {
		o.log.Error(o.begins, append(args, "error", err)...)
	}
}

// Over ends the outage, if there is one, and logs how long it was.
func (o *Outage) Over() {
	o.mu.Lock()
	ends, lasted := o.err != nil, time.Since(o.since)
	o.err = nil
	o.mu.Unlock()
	if ends {
		o.log.Info(o.ends, "after", lasted.Round(time.Millisecond).String())
	}
}

// State is how something works at one time.
type State struct {
	// Text is "ok", or "retrying: " and the last error.
	Text string
	// Failures is the number of failures of all outages.
	Failures uint64
	// Since is when the present outage began, zero if there is none.
	Since time.Time
}

// State returns how it works now.
func (o *Outage) State() State {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return State{Text: "ok", Failures: o.failures}
	}
	return State{Text: "retrying: " + o.err.Error(), Failures: o.failures, Since: o.since}
}
