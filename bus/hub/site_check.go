package hub

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// maxHoles bounds the holes of a site that a verification names.
const maxHoles = 1000

// siteCheck verifies what the hub has of one site, message by message.
type siteCheck struct {
	SiteVerification
	// index has the sequences of the present log.
	index index
	last  map[string]numbered
	again repeats
	// earlier counts the holes of logs before the present one.
	earlier   int
	repeated  uint64
	damaged   uint64
	unordered uint64
}

// numbered is the last message of a record.
type numbered struct{ run, number, sequence uint64 }

func newSiteCheck(site string) *siteCheck {
	return &siteCheck{SiteVerification: SiteVerification{
		Site: site, Logs: []SiteLog{}, Missing: []Range{}, Holes: []Hole{}, Repeats: []Repeat{}, Problems: []string{}, Notes: []string{},
	}}
}

// take verifies the next message of the site, which has a sequence in the stream of the hub.
// Size is that of its payload.
func (c *siteCheck) take(from origin, sequence uint64, h nats.Header, size int) {
	log := c.newest()
	switch {
	case log == nil || log.Stream != from.identity:
		c.begin(from)
		log = c.newest()
	case from.sequence <= log.Last:
		c.repeated++
		return
	}
	log.Last = from.sequence
	log.Messages++
	c.index.add(from.sequence, sequence)
	run, number, length := bus.ParseNumber(h)
	if length >= 0 && length != size {
		c.damaged++
		return
	}
	if number > 0 {
		record := h.Get(bus.KeyHeader)
		c.again.take(record, written{run, number, h.Get(bus.TimeHeader)})
		c.observe(record, numbered{run, number, from.sequence}, lostBefore(h))
	}
	log.Records = len(c.last)
}

// begin begins with a log that the site has created, perhaps again.
func (c *siteCheck) begin(from origin) {
	c.Logs = append(c.Logs, SiteLog{Stream: from.identity, First: from.sequence})
	c.last, c.index.chunks, c.index.loaded, c.earlier = map[string]numbered{}, nil, nil, len(c.Holes)
	c.again.end()
}

// observe compares the number of a message with that of the message of the record before
// it. The numbers of a run begin with 1.
func (c *siteCheck) observe(record string, m numbered, lost uint64) {
	before, seen := c.last[record]
	if !seen {
		record = strings.Clone(record)
	}
	expected := uint64(1)
	if seen && before.run == m.run {
		expected = before.number + 1
	}
	if m.number < expected || seen && m.run < before.run {
		c.unordered++ // the next one follows the greatest number
		return
	}
	c.last[record] = m
	if m.number == expected {
		return
	}
	hole := Hole{Record: record, Run: m.run, From: expected, To: m.number - 1, Cause: Unexplained, After: before.sequence, Before: m.sequence}
	switch {
	case lost >= hole.Count():
		hole.Cause = Announced
	case !seen:
		hole.Cause = BeforeHub
	case lost > 0: // the last ones
		c.add(Hole{Record: record, Run: m.run, From: m.number - lost, To: m.number - 1, Cause: Announced, After: before.sequence, Before: m.sequence})
		hole.To -= lost
	}
	c.add(hole)
}

func (c *siteCheck) add(hole Hole) {
	if len(c.Holes) == maxHoles {
		c.LeftOut++
		return
	}
	c.Holes = append(c.Holes, hole)
}

// lostBefore returns how many values were lost before a message on the way to the log.
func lostBefore(h nats.Header) uint64 {
	n, err := strconv.ParseUint(h.Get(bus.LostHeader), 10, 64)
	if err != nil {
		return 0 // there is no such header
	}
	return n
}

// end completes the verification of a site after its last message.
func (c *siteCheck) end() {
	for i := range c.Logs {
		log := &c.Logs[i]
		log.NotSent = log.Last - log.First + 1 - log.Messages
	}
	c.again.end()
	for _, record := range slices.Sorted(maps.Keys(c.again.found)) {
		c.Repeats = append(c.Repeats, Repeat{Record: record, Count: c.again.found[record]})
	}
	if n := len(c.Logs); n > 1 {
		c.Notes = append(c.Notes, fmt.Sprintf("The log of the site was created again %s; what the hub has not read of a log before that is not known.", counted.Of(n-1, "time")))
	}
	for _, problem := range []struct {
		n               uint64
		text, one, more string
	}{
		{c.repeated, "%s of the site %s in the stream twice.", "is", "are"},
		{c.damaged, "%s of the site %s damaged: the length is not the stated one.", "is", "are"},
		{c.unordered, "%s of the site %s a number that an earlier message of the same record has.", "has", "have"},
	} {
		if problem.n > 0 {
			c.Problems = append(c.Problems, fmt.Sprintf(problem.text, counted.Of(problem.n, "message"), counted.Verb(problem.n, problem.one, problem.more)))
		}
	}
	if c.Compared && len(c.Missing) == 0 {
		c.explain()
	}
	slices.SortStableFunc(c.Holes, func(a, b Hole) int { return strings.Compare(a.Record, b.Record) })
	c.judge()
}

// explain names the cause of holes in the present log where the hub has each message that the site still
// has.
func (c *siteCheck) explain() {
	for i := c.earlier; i < len(c.Holes); i++ {
		if hole := &c.Holes[i]; hole.Cause == Unexplained && hole.After >= c.First {
			hole.Cause = NotAtSite
		}
	}
}
