package retention

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Policy says how much of the records that match a pattern stays. A limit of 0
// is no limit; where several are given, the tightest counts.
type Policy struct {
	Pattern  key.Pattern
	MaxAge   time.Duration
	MaxRows  int64
	MaxBytes int64
	// Forever keeps everything, whatever the limit of the file is. It goes
	// with no other limit.
	Forever bool
}

func (p Policy) check() error {
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

func (p Policy) keep(record string, now time.Time) history.Keep {
	k := history.Keep{Record: record, MaxRows: p.MaxRows, MaxBytes: p.MaxBytes, Forever: p.Forever}
	if p.MaxAge > 0 {
		k.Before = now.Add(-p.MaxAge).UnixMilli()
	}
	return k
}

// choose returns the policy for a record.
func choose(policies []Policy, record string) (best Policy, found bool) {
	for _, p := range policies {
		if p.Pattern.Match(record) && (!found || moreSpecific(p.Pattern, best.Pattern)) {
			best, found = p, true
		}
	}
	return best, found
}

// moreSpecific compares two patterns segment by segment.
func moreSpecific(a, b key.Pattern) bool {
	x, y := ranks(a), ranks(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] > y[i]
		}
	}
	return len(x) > len(y)
}

func ranks(p key.Pattern) []int {
	segments := strings.Split(key.Normalize(p.String()), ".")
	r := make([]int, len(segments))
	for i, segment := range segments {
		switch segment {
		case "#":
			r[i] = 0
		case "*":
			r[i] = 1
		default:
			r[i] = 2
		}
	}
	return r
}
