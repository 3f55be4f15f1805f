package records

import "sync"

// sharedJSON is the JSON of one value, encoded by the first reader that needs it.
type sharedJSON struct {
	number int64
	// due is the number of readers that have yet to read it.
	due  int
	once sync.Once
	json []byte
	err  error
}

func (s *sharedJSON) encode(u *Untyped, box any) ([]byte, error) {
	s.once.Do(func() { s.json, s.err = u.registry.encode(box, u.shape) })
	return s.json, s.err
}

// jsonCache holds the JSON that readers of a record share.
type jsonCache struct {
	// bySlot has the values that some readers have yet to read.
	bySlot []*sharedJSON
	// latest is the value that Get returned last.
	latest *sharedJSON
}

// find returns the JSON of a value, nil if it is not shared yet.
func (c *jsonCache) find(number int64, slot int) *sharedJSON {
	switch {
	case c == nil:
		return nil
	case c.latest != nil && c.latest.number == number:
		return c.latest
	case slot < len(c.bySlot) && c.bySlot[slot] != nil && c.bySlot[slot].number == number:
		return c.bySlot[slot]
	}
	return nil
}

// cache returns the cache of the record.
func (u *Untyped) cache() *jsonCache {
	if u.json == nil {
		u.json = &jsonCache{}
	}
	return u.json
}

// shareNewest returns the JSON of the newest value for Get.
func (u *Untyped) shareNewest(slot int) *sharedJSON {
	c := u.cache()
	if c.latest = c.find(u.newest, slot); c.latest == nil {
		c.latest = &sharedJSON{number: u.newest}
	}
	return c.latest
}

// share returns the JSON of a value that a reader has advanced to, nil if no other
// reader needs it.
func (u *Untyped) share(number int64, slot int) *sharedJSON {
	if s := u.json.find(number, slot); s != nil {
		if s.due--; s.due == 0 {
			u.json.bySlot[slot] = nil
		}
		return s
	}
	if u.encoders < 2 {
		return nil
	}
	due := u.yetToRead(number)
	if due == 0 {
		return nil
	}
	c := u.cache()
	if slot >= len(c.bySlot) {
		n := min(u.capacity, max(2*len(c.bySlot), slot+1))
		c.bySlot = append(make([]*sharedJSON, 0, n), c.bySlot...)[:n]
	}
	c.bySlot[slot] = &sharedJSON{number: number, due: due}
	return c.bySlot[slot]
}

// yetToRead counts the encoded readers that have not read a value.
func (u *Untyped) yetToRead(number int64) int {
	n := 0
	for c := u.cursors; c != nil; c = c.older {
		if c.encodes && c.read < number {
			n++
		}
	}
	return n
}
