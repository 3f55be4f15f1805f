package backup

import (
	"fmt"
	"time"
)

// Stats is the state of the backups of a history.
type Stats struct {
	// Every is the time between two backups.
	Every time.Duration `json:"every"`
	// LastSuccess is when the newest good backup was begun, LastBytes its size, and
	// LastDuration how long it took, 0 if an earlier process made it. LastSuccess is zero
	// if there is none.
	LastSuccess  time.Time     `json:"last_success,omitzero"`
	LastBytes    int64         `json:"last_bytes"`
	LastDuration time.Duration `json:"last_duration"`
	// Kept is the number of backups in the directory.
	Kept int `json:"kept"`
	// Failures counts those of this process, and LastError is the last one, empty if a
	// backup has succeeded since.
	Failures  uint64 `json:"failures"`
	LastError string `json:"last_error,omitempty"`
}

// Stats returns the state of the backups.
func (k *Keeper) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stats
}

// look finds the newest backup that an earlier process made.
func (k *Keeper) look() {
	all, err := List(k.config.Dir)
	if err != nil {
		return // the first backup says why
	}
	all = of(all, shortIdentity(k.source.Identity()))
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(all) == 0 || !k.good.IsZero() {
		return
	}
	k.stats.LastSuccess, k.stats.LastBytes, k.stats.Kept = all[0].Time, all[0].Bytes, len(all)
	age := max(0, k.began.Sub(all[0].Time))
	k.good = k.began.Add(-age)
}

// Trouble returns what is wrong with the backups, "" if nothing is.
func (k *Keeper) Trouble() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, why := k.stats, ""
	if s.LastError != "" {
		why = ": " + s.LastError
	}
	switch age := k.now().Sub(k.good); {
	case k.good.IsZero() && (s.LastError != "" || k.now().Sub(k.began) > 2*k.config.Every):
		return fmt.Sprintf("backup: there is no good backup in %s%s", k.config.Dir, why)
	case !k.good.IsZero() && age > 2*k.config.Every:
		return fmt.Sprintf("backup: the last good one is %v old, and one is due every %v%s", age.Round(time.Second), k.config.Every, why)
	}
	return ""
}
