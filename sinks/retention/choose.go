package retention

import "github.com/aimdb-go/aimdb/history"

// choose returns the policy for a record.
func choose(policies []history.Policy, record string) (best history.Policy, found bool) {
	for _, p := range policies {
		if p.Pattern.Match(record) && (!found || p.Pattern.MoreSpecific(best.Pattern)) {
			best, found = p, true
		}
	}
	return best, found
}
