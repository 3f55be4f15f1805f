package retention

import (
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// choose returns the policy for a record.
func choose(policies []history.Policy, record string) (best history.Policy, found bool) {
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
