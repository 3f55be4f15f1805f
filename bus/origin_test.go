package bus

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
)

// A log that was deleted is counted up to its last sequence, and so is each log after it.
func TestWhatIsMissingOfDeletedLogs(t *testing.T) {
	opened := origin{identity: "b", mark: Mark{Log: "a", Sequence: 10}}
	twice := origin{identity: "d", earlier: append(opened.gone(), Mark{Log: "b", Sequence: 20}, Mark{Log: "c", Sequence: 30})}
	for _, c := range []struct {
		in       origin
		log      string
		sequence uint64
		want     string
		last     bool
	}{
		{opened, "a", 4, "6:5-10", true},
		{opened, "a", 10, "", true},
		{opened, "x", 4, "0:5-0", false},
		{origin{identity: "b", mark: Mark{Log: "b", Sequence: 3}}, "x", 4, "0:5-0", false},
		{twice, "a", 4, "6:5-10 20:1-20 30:1-30", false},
		{twice, "b", 20, "30:1-30", false},
		{twice, "c", 1, "29:2-30", true},
		{twice, "c", 31, "", true},
	} {
		all, last := c.in.missingAfter(c.log, c.sequence)
		text := ""
		for i, l := range all {
			if l.Cause != loss.LogMissing {
				t.Errorf("%s after %d: cause %s", c.log, c.sequence, l.Cause)
			}
			if i > 0 {
				text += " "
			}
			text += fmt.Sprintf("%d:%d-%d", l.Count, l.From, l.To)
		}
		if text != c.want || last != c.last {
			t.Errorf("%s after %d: %q, %v; want %q, %v", c.log, c.sequence, text, last, c.want, c.last)
		}
	}
}
