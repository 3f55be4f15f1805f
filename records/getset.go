package records

import (
	"encoding/json"
	"fmt"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// Get returns the newest value kept as JSON, false if there is none, and its write
// time in Unix milliseconds, 0 if the record keeps none. It does not take the value
// from a mailbox. The JSON is shared and must not be changed.
func (u *Untyped) Get() (value json.RawMessage, timeMS int64, ok bool, err error) {
	box := u.typed.newBox()
	u.mu.Lock()
	if u.kept() == 0 {
		u.mu.Unlock()
		return nil, 0, false, nil
	}
	slot := u.slot(u.newest)
	timeMS = u.time(slot)
	u.typed.load(slot, box)
	shared := u.shareNewest(slot)
	u.mu.Unlock()
	value, err = shared.encode(u.registry, box)
	if err != nil {
		return nil, timeMS, true, fmt.Errorf("get record %q: JSON cannot carry the value: %w", u.key.String(), err)
	}
	return value, timeMS, true, nil
}

// Set decodes a value and produces it. Values that break the rule of package
// jsonrule, unknown members, null for a type without null, and text after the value
// are errors. It does not check Config.Writable; the gateway does.
func (u *Untyped) Set(value json.RawMessage) error {
	if u.registry.producerOf(u) != nil {
		return fmt.Errorf("set record %q: %w", u.key.String(), ErrHasProducer)
	}
	if err := jsonrule.Check(value); err != nil {
		return fmt.Errorf("set record %q: the value %w", u.key.String(), err)
	}
	box, err := u.typed.decode(value, true)
	if err != nil {
		return fmt.Errorf("set record %q: the value is not a %s: %w", u.key.String(), u.TypeName(), err)
	}
	u.typed.produce(box)
	return nil
}
