package hub

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/bus"
)

// message is a message of a site: log, sequence, record, and run.number, with how many
// values were lost before it.
type message struct {
	log              string
	sequence         uint64
	record           string
	run, number      uint64
	lost, size, real int
}

func TestHolesInNumbers(t *testing.T) {
	for _, c := range []struct {
		name      string
		messages  []message
		compared  bool // from sequence 1 on
		holes     []Hole
		problems  int
		verdict   Verdict
		numOfLogs int
	}{
		{"none, with private sequences between", []message{{"A", 2, "a", 0, 1, 0, 1, 1}, {"A", 5, "b", 0, 1, 0, 1, 1}, {"A", 9, "a", 0, 2, 0, 1, 1}}, false, nil, 0, Complete, 1},
		{"another run", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 3, "a", 2, 1, 0, 1, 1}}, false, nil, 0, Complete, 1},
		{"announced", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 5, 3, 1, 1}}, false, []Hole{{"a", 0, 2, 4, Announced, 1, 2}}, 0, LossesKnown, 1},
		{"announced in part", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 5, 1, 1, 1}}, false, []Hole{{"a", 0, 4, 4, Announced, 1, 2}, {"a", 0, 2, 3, Unexplained, 1, 2}}, 0, UnknownLoss, 1},
		{"unexplained", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 3, 0, 1, 1}}, false, []Hole{{"a", 0, 2, 2, Unexplained, 1, 2}}, 0, UnknownLoss, 1},
		{"not at the site", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 3, 0, 1, 1}}, true, []Hole{{"a", 0, 2, 2, NotAtSite, 1, 2}}, 0, LossesKnown, 1},
		{"in a log before, which cannot be compared", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 3, 0, 1, 1}, {"B", 1, "a", 0, 1, 0, 1, 1}}, true, []Hole{{"a", 0, 2, 2, Unexplained, 1, 2}}, 0, UnknownLoss, 2},
		{"at the begin of a run", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 4, "a", 1, 3, 0, 1, 1}}, false, []Hole{{"a", 1, 1, 2, Unexplained, 1, 4}}, 0, UnknownLoss, 1},
		{"before the hub", []message{{"A", 7, "a", 0, 4, 0, 1, 1}}, false, []Hole{{"a", 0, 1, 3, BeforeHub, 0, 7}}, 0, LossesKnown, 1},
		{"twice", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 1, "a", 0, 1, 0, 1, 1}}, false, nil, 1, UnknownLoss, 1},
		{"a number again", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 1, 0, 1, 1}}, false, nil, 1, UnknownLoss, 1},
		{"two numbers again", []message{{"A", 1, "a", 0, 1, 0, 1, 1}, {"A", 2, "a", 0, 2, 0, 1, 1}, {"A", 3, "a", 0, 1, 0, 1, 1}, {"A", 4, "a", 0, 3, 0, 1, 1}}, false, nil, 1, UnknownLoss, 1},
		{"damaged", []message{{"A", 1, "a", 0, 1, 0, 4, 3}}, false, nil, 1, UnknownLoss, 1},
		{"without numbers", []message{{"A", 1, "a", 0, 0, 0, 1, 1}, {"A", 2, "a", 0, 0, 0, 1, 1}}, false, nil, 0, Complete, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := newSiteCheck("s")
			for i, m := range c.messages {
				h := nats.Header{bus.KeyHeader: {m.record}}
				if m.number > 0 {
					h.Set(bus.NumberHeader, fmt.Sprintf("%d.%d.%d", m.run, m.number, m.size))
				}
				if m.lost > 0 {
					h.Set(bus.LostHeader, fmt.Sprint(m.lost))
				}
				check.take(origin{m.sequence, m.log}, uint64(i+1), h, m.real)
			}
			check.First, check.Compared = 1, c.compared
			check.end()
			if len(check.Holes)+len(c.holes) > 0 && !reflect.DeepEqual(check.Holes, c.holes) {
				t.Errorf("the holes are %+v, want %+v", check.Holes, c.holes)
			}
			if len(check.Problems) != c.problems || check.Verdict != c.verdict || len(check.Logs) != c.numOfLogs {
				t.Errorf("%+v", check.SiteVerification)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	for text, want := range map[string]origin{
		"AIMDB_a:UKF3J7tN 19 aimdb.a.log.> > aimdb.a.log.x NSKr43iO": {19, "NSKr43iO"},
		"AIMDB_a 7": {7, ""}, "": {}, "AIMDB_a x": {}, "AIMDB_a": {},
	} {
		if got, ok := originOf(nats.Header{sourceHeader: {text}}); got != want || ok != (want != origin{}) {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
}
