package hub

import "strings"

// A server makes another stream of the messages of a log whose description was damaged. For
// the hub that is another log, and its source brings the messages again. Record, run,
// number and time of the write are then the same. In a log that begins with other values,
// numbers may be the same, but times are not.

// extent is the first and the last message of a record in the logs that the hub has read
// before the present one, and the messages of the present one with numbers between.
type extent struct {
	first, last written
	again       uint64
	same        bool // one of the two has come again
}

// written is a value of a record.
type written struct {
	run, number uint64
	time        string
}

func (w written) before(other written) bool {
	return w.run < other.run || w.run == other.run && w.number < other.number
}

// repeats finds messages that are in two logs of a site.
type repeats struct {
	earlier, present map[string]*extent
	found            map[string]uint64
}

// take notes a message of the present log.
func (r *repeats) take(record string, w written) {
	if e := r.earlier[record]; e != nil && !w.before(e.first) && !e.last.before(w) {
		e.again++
		e.same = e.same || w == e.first || w == e.last
	}
	e := r.present[record]
	if e == nil {
		if r.present == nil {
			r.present = map[string]*extent{}
		}
		e = &extent{first: w}
		r.present[strings.Clone(record)] = e
	}
	e.last = w
}

// end ends the present log. Another one may follow.
func (r *repeats) end() {
	for record, e := range r.earlier {
		if e.same {
			if r.found == nil {
				r.found = map[string]uint64{}
			}
			r.found[record] += e.again
		}
		now := r.present[record]
		switch {
		case now == nil:
			e.again, e.same = 0, false
			if r.present == nil {
				r.present = map[string]*extent{}
			}
			r.present[record] = e
		case e.same && e.first.before(now.first):
			now.first = e.first
		}
	}
	r.earlier, r.present = r.present, nil
}
