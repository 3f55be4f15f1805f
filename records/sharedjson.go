package records

import "sync"

// cell is the JSON of one value for several readers.
type sharedJSON struct {
	number int64
	// due is the number of readers that still come for it.
	due  int
	once sync.Once
	json []byte
	err  error
}

func (c *sharedJSON) encode(r *Registry, box any) ([]byte, error) {
	c.once.Do(func() { c.json, c.err = r.encode(box) })
	return c.json, c.err
}

// share returns the cell of a value if other readers want its JSON too.
func (h *Untyped) share(number int64, slot int) *sharedJSON {
	if h.got != nil && h.got.number == number {
		return h.got
	}
	if shared := h.shared(number, slot); shared != nil {
		if shared.due--; shared.due <= 0 {
			h.cells[slot] = nil
		}
		return shared
	}
	if h.encoders < 2 {
		return nil
	}
	due := h.yetToRead(number)
	if due == 0 {
		return nil
	}
	if slot >= len(h.cells) {
		n := min(h.capacity, max(2*len(h.cells), slot+1))
		h.cells = append(make([]*sharedJSON, 0, n), h.cells...)[:n]
	}
	h.cells[slot] = &sharedJSON{number: number, due: due}
	return h.cells[slot]
}

// shared returns the JSON that readers share of a value, nil if none do yet.
func (h *Untyped) shared(number int64, slot int) *sharedJSON {
	if slot < len(h.cells) && h.cells[slot] != nil && h.cells[slot].number == number {
		return h.cells[slot]
	}
	return nil
}

// yetToRead counts the encoded readers that come to a value later.
func (h *Untyped) yetToRead(number int64) int {
	n := 0
	for c := h.cursors; c != nil; c = c.older {
		if c.encodes && c.read < number {
			n++
		}
	}
	return n
}
