package process

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aimdb-go/aimdb/internal/outage"
)

// The states of a sink.
const (
	phaseStarting = "starting"
	phaseStandby  = "standby"
	phaseNoStore  = "waiting for the store"
	phaseWaiting  = "waiting for the log"
	phaseActive   = "active"
	phaseStopped  = "stopped"
	// NotRunning is the state of a sink that has read the log and that no process runs.
	NotRunning = "not running"
	// OtherReader is the state of a sink that a process reads which is no Service, such
	// as that of the database.
	OtherReader = "in a database"
)

// State is how one process of a sink, or a sink without one, is.
type State struct {
	Database string `json:"database"`
	Sink     string `json:"sink"`
	// Kind and Target say what the sink writes to.
	Kind   string `json:"kind,omitempty"`
	Target string `json:"target,omitempty"`
	Host   string `json:"host,omitempty"`
	PID    int    `json:"pid,omitempty"`
	// State is "active", "standby", "waiting for the store", "waiting for the log",
	// [NotRunning], or [OtherReader].
	State string `json:"state"`
	// Checkpoint is the last sequence of the log that is stored. Of a sink that does not
	// run it is the last one that was acknowledged, and of a standby 0.
	Checkpoint uint64 `json:"checkpoint"`
	// LagMessages are the messages of the log after the checkpoint, LagSeconds the age of
	// the first of them.
	LagMessages uint64  `json:"lag_messages"`
	LagSeconds  float64 `json:"lag_seconds"`
	// Lost and DeadLetters count what the store has in its ledger, or this process has
	// written into it.
	Lost        uint64 `json:"lost"`
	DeadLetters uint64 `json:"dead_letters"`
	// LastCommit is the time of the last commit of this process in Unix milliseconds.
	LastCommit int64 `json:"last_commit_ms,omitempty"`
	// Error is what the process waits out now.
	Error string `json:"error,omitempty"`
	// Since is when the process started, in Unix milliseconds.
	Since int64 `json:"since_ms,omitempty"`
}

func (s State) active() bool { return s.State == phaseActive || s.State == phaseWaiting }

// answerTimeout bounds what the log and the store are asked for one State.
const answerTimeout = time.Second

// state returns how the process is now.
func (p *process) state() State {
	c := p.config
	p.mu.Lock()
	store, pump, log := p.store, p.pump, p.bus
	s := State{Database: c.Log.Name, Sink: c.Sink, Kind: c.Kind, Target: c.Target, Host: hostname(), PID: os.Getpid(), State: p.phase, Since: p.begun.UnixMilli()}
	p.mu.Unlock()
	for _, away := range []*outage.Outage{p.away, p.noStore} {
		if at := away.State(); at.Text != "ok" {
			s.Error = at.Text
		}
	}
	if s.State != phaseActive {
		return s
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if store.Active != nil && errors.Is(store.Active(ctx), ErrHeld) {
		s.State = phaseStandby // it was the active one before
		return s
	}
	stats := pump.Stats()
	s.Checkpoint, s.Lost, s.DeadLetters = stats.Checkpoint.Sequence, stats.Lost, stats.Refused
	if !stats.LastCommit.IsZero() {
		s.LastCommit = stats.LastCommit.UnixMilli()
	}
	if stats.State != "ok" {
		s.Error = stats.State
	}
	if store.Stats != nil {
		if kept, err := store.Stats(ctx); err == nil {
			s.Lost, s.DeadLetters = kept.Lost, uint64(kept.DeadLetters)
		} else if s.Error == "" {
			s.Error = err.Error()
		}
	}
	if err := s.measure(ctx, log); err != nil && s.Error == "" {
		s.Error = err.Error()
	}
	return s
}
