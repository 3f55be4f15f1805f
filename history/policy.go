package history

import (
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/key"
)

// Policy says how much of the records that match a pattern stays. A limit of 0
// is no limit; where several are given, the tightest counts.
type Policy struct {
	Pattern  key.Pattern
	MaxAge   time.Duration
	MaxRows  int64
	MaxBytes int64
	// Forever keeps everything, whatever the limit of the whole history is. It
	// goes with no other limit.
	Forever bool
}

// Validate returns an error if the policy cannot be meant.
func (p Policy) Validate() error {
	limited := p.MaxAge != 0 || p.MaxRows != 0 || p.MaxBytes != 0
	switch {
	case p.Pattern.String() == "":
		return errors.New("a retention policy has no pattern; '#' is every record")
	case p.MaxAge < 0 || p.MaxRows < 0 || p.MaxBytes < 0:
		return fmt.Errorf("the retention policy for %s has a negative limit; 0 is no limit", p.Pattern)
	case p.Forever && limited:
		return fmt.Errorf("the retention policy for %s keeps for ever and has a limit; choose one", p.Pattern)
	case !p.Forever && !limited:
		return fmt.Errorf("the retention policy for %s says nothing; give a limit or keep for ever", p.Pattern)
	}
	return nil
}

// Keep applies the policy to a record as of a time.
func (p Policy) Keep(record string, now time.Time) Keep {
	k := Keep{Record: record, MaxRows: p.MaxRows, MaxBytes: p.MaxBytes, Forever: p.Forever}
	if p.MaxAge > 0 {
		k.Before = now.Add(-p.MaxAge).UnixMilli()
	}
	return k
}
