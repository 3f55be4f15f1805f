package records

import (
	"encoding/json"
	"fmt"
)

// Get returns the newest value kept, as JSON, and its write time in Unix
// milliseconds, 0 if the record takes none: the last value of a ring, the one
// that waits in a mailbox. It reports false if there is none. The JSON is
// shared and must not be changed.
func (h *Untyped) Get() (value json.RawMessage, timeMS int64, ok bool, err error) {
	box := h.typed.box()
	h.mu.Lock()
	if h.kept() == 0 {
		h.mu.Unlock()
		return nil, 0, false, nil
	}
	slot := h.slot(h.newest)
	timeMS = h.time(slot)
	h.typed.load(slot, box)
	shared := h.shareNewest(slot)
	h.mu.Unlock()
	value, err = shared.encode(h.registry, box)
	if err != nil {
		return nil, timeMS, true, fmt.Errorf("get record %q: JSON cannot carry the value: %w", h.key.String(), err)
	}
	return value, timeMS, true, nil
}

// Set decodes a value and produces it. Unknown members, a null for a type that
// has none, and anything behind the value are errors. It does not ask for
// Config.Writable: that is for the gateway to do.
func (h *Untyped) Set(value json.RawMessage) error {
	if h.registry.producerOf(h) != nil {
		return fmt.Errorf("set record %q: %w", h.key.String(), ErrHasProducer)
	}
	box, err := h.typed.decode(value, true)
	if err != nil {
		return fmt.Errorf("set record %q: the value is no %s: %w", h.key.String(), h.TypeName(), err)
	}
	h.typed.produce(box)
	return nil
}
