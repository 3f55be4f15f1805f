package records

// OnAdd makes Add call fn with each record that it adds, before it returns and so before
// the record has a value. fn must not add records. cancel ends it; a call that has begun
// may go on.
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
