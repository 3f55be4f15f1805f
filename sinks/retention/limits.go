package retention

import (
	"errors"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// limits are what stays of a history.
type limits struct {
	policies []history.Policy
	maxBytes int64
}

func (l *limits) validate() error {
	for _, policy := range l.policies {
		if err := policy.Validate(); err != nil {
			return err
		}
	}
	if l.maxBytes < 0 {
		return errors.New("a limit of retention is negative; 0 is no limit")
	}
	return nil
}

// Limits returns the policies and the limit of the whole history that are in force.
func (r *Retention) Limits() (policies []history.Policy, maxBytes int64) {
	keep := r.keep.Load()
	return slices.Clone(keep.policies), keep.maxBytes
}

// Every returns the time between sweeps, which varies by a tenth.
func (r *Retention) Every() time.Duration { return r.config.Every }
