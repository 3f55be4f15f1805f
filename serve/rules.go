package serve

import (
	"fmt"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/schema"
)

// rule is a record that was declared, by its key or by a pattern.
type rule struct {
	Record
	// at is its path among the settings.
	at      string
	pattern key.Pattern
	schema  *schema.Schema // nil takes every value
	number  pointer        // of Signal
	when    pointer        // of Time
	persist bool
}

// rules are the declared records.
type rules struct {
	keys     []*rule
	patterns []*rule
	byKey    map[string]*rule // normalized
}

// options returns the options of the record with a key.
func (r *rules) options(name string) ([]aimdb.RecordOption, error) {
	if one := r.find(name); one != nil {
		return one.options(), nil
	}
	return nil, fmt.Errorf("no record %q is declared, and no pattern of the settings matches it", name)
}

// find returns the rule of the record with a key: that of the key, or of the most specific
// pattern that matches it. It returns nil if there is none.
func (r *rules) find(name string) (best *rule) {
	if one := r.byKey[key.Normalize(name)]; one != nil {
		return one
	}
	for _, one := range r.patterns {
		if one.pattern.Match(name) && (best == nil || one.pattern.MoreSpecific(best.pattern)) {
			best = one
		}
	}
	return best
}

// options returns what the record is registered with.
func (r *rule) options() []aimdb.RecordOption {
	opts := []aimdb.RecordOption{r.buffer()}
	add := func(on bool, opt aimdb.RecordOption) {
		if on {
			opts = append(opts, opt)
		}
	}
	add(r.persist, aimdb.Persist())
	add(yes(r.Remote), aimdb.Remote())
	add(yes(r.Writable), aimdb.Writable())
	add(r.Durable, aimdb.Durable())
	add(r.Lossless, aimdb.Lossless(aimdb.LogReader))
	add(r.Type != "", aimdb.Schema(r.Type))
	if r.schema != nil {
		opts = append(opts, aimdb.Validate(r.schema.Check))
	}
	if r.Signal != nil {
		opts = append(opts, aimdb.Signal(r.number.name(), r.Unit, r.number.number))
	}
	if r.Time != nil {
		opts = append(opts, aimdb.EventTime(r.when.time))
	}
	return opts
}

func (r *rule) buffer() aimdb.RecordOption {
	switch {
	case r.Buffer == "mailbox":
		return aimdb.Mailbox()
	case r.Capacity > 0:
		return aimdb.Ring(r.Capacity)
	}
	return aimdb.Latest()
}

// yes is the value of a switch that is on if it is not given.
func yes(b *bool) bool { return b == nil || *b }
