package mirror

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// load gives the records their last values. Of a record that has values as Remote and as
// private the later ones count.
func (m *Mirror) load(ctx context.Context, log *bus.Bus) error {
	newest := map[string]bus.Message{}
	for v, err := range log.LastValues(ctx) {
		if err != nil {
			return err
		}
		name := key.Normalize(v.Record)
		if have, found := newest[name]; !found || have.Sequence < v.Sequence {
			newest[name] = v
		}
	}
	for _, v := range newest {
		if err := m.take(v); err != nil {
			return err
		}
	}
	return nil
}

// take produces a value. It ignores what is no value, and one that it has produced.
func (m *Mirror) take(v bus.Message) error {
	if v.Value == nil || v.Loss != nil {
		return nil
	}
	h, err := m.record(v)
	if err != nil || h == nil {
		return err
	}
	if v.Sequence > 0 {
		if v.Sequence <= m.last[h] {
			return nil
		}
		m.last[h] = v.Sequence
	}
	if !v.Remote {
		return nil
	}
	m.now.Store(v.Time)
	if err := h.Set(v.Value); err != nil {
		m.config.Logger.Warn("mirror: a value is left out", "record", v.Record, "sequence", v.Sequence, "error", err)
	}
	return nil
}

// record returns the record of a value, and registers it if it is new. It returns nil for
// a name that no record can have.
func (m *Mirror) record(v bus.Message) (*records.Untyped, error) {
	h, known := m.registry.Lookup(v.Record)
	if !known {
		h, err := m.registry.Add(v.Record, records.Config{
			Kind: records.Ring, Capacity: Capacity, Logged: v.Sequence > 0, Remote: v.Remote, Timestamps: true,
		})
		if err != nil {
			m.config.Logger.Warn("mirror: a message of the log has no record", "key", v.Record, "sequence", v.Sequence, "error", err)
			return nil, nil
		}
		return h, nil
	}
	if h.Config().Remote != v.Remote && (v.Sequence == 0 || v.Sequence > m.last[h]) {
		return nil, fmt.Errorf("%w: %s, which is remote: %v", ErrExposure, h.Key(), v.Remote)
	}
	return h, nil
}
