package records

// push queues a record with unread values. There is always room: a record is
// queued once.
func (f *Feed) push(l *feedCursor) {
	f.mu.Lock()
	i := f.head + f.count
	if i >= len(f.queue) {
		i -= len(f.queue)
	}
	f.queue[i] = l
	f.count++
	armed := f.armed
	f.armed = false
	f.mu.Unlock()
	if armed {
		f.hurry()
	}
}

// pop returns the record that has been queued longest, nil if there is none.
func (f *Feed) pop() *feedCursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == 0 {
		return nil
	}
	l := f.queue[f.head]
	if f.head++; f.head == len(f.queue) {
		f.head = 0
	}
	f.count--
	return l
}
