package records

// Newest returns the newest value kept as JSON, with its number, and false if there is
// none. It does not take the value from a mailbox.
func (u *Untyped) Newest() (Encoded, bool) {
	box := u.typed.newBox()
	u.mu.Lock()
	if u.kept() == 0 {
		u.mu.Unlock()
		return Encoded{}, false
	}
	slot := u.slot(u.newest)
	e := Encoded{Number: uint64(max(u.newest, 0)), Time: u.time(slot)}
	u.typed.load(slot, box)
	shared := u.shareNewest(slot)
	u.mu.Unlock()
	e.JSON, e.Err = shared.encode(u, box)
	return e, true
}
