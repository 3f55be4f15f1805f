package records

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/key"
)

// Add adds a record of JSON values, whose Go type is json.RawMessage. Unlike
// Register it works while the registry runs, until Close. The record has no stages,
// and a Feed does not read it before Feed.Add.
//
// The record begins with rows of earlier runs, as Refill would put them there.
func (r *Registry) Add(name string, c Config, rows ...Stored) (*Untyped, error) {
	record, err := newRecord[json.RawMessage](r, name, c)
	if err != nil {
		return nil, registerError(name, err)
	}
	u := &record.untyped
	if len(rows) > 0 && c.Kind != Mailbox {
		if _, err := u.fill(rows); err != nil {
			return nil, registerError(name, err)
		}
	}
	r.mu.Lock()
	err = r.reserve(u)
	if err == nil {
		if r.adding == nil {
			r.adding = make(map[string]*Untyped)
		}
		r.adding[key.Normalize(name)] = u
	}
	r.mu.Unlock()
	if err != nil {
		return nil, registerError(name, err)
	}
	r.announce(u)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.adding, key.Normalize(name))
	r.insert(u)
	return u, nil
}

// OnAdd makes Add call fn with each record that it adds, before Lookup finds it and so
// before it has a value of this run. fn must not add records. cancel ends it; a call
// that has begun may go on.
func (r *Registry) OnAdd(fn func(*Untyped)) (cancel func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	watcher := &fn
	if r.added == nil {
		r.added = make(map[*func(*Untyped)]struct{})
	}
	r.added[watcher] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.added, watcher)
	}
}

// announce calls the functions of OnAdd.
func (r *Registry) announce(u *Untyped) {
	r.mu.RLock()
	all := make([]func(*Untyped), 0, len(r.added))
	for fn := range r.added {
		all = append(all, *fn)
	}
	r.mu.RUnlock()
	for _, fn := range all {
		fn(u)
	}
}
