package records

import (
	"errors"
	"fmt"
	"time"
)

// The first and the last time that a value may have of its own, in Unix milliseconds:
// the years 1970 to 9999. Clients of upstream read no negative times, and RFC 3339 has
// no later years.
const (
	firstEventTime = 0
	lastEventTime  = 253402300799999
)

// eventTimeFrom returns the function of a configuration that reads the own time of a
// value, nil if it has none.
func eventTimeFrom[T any](c Config) (func(T) time.Time, error) {
	if c.EventTime == nil {
		return nil, nil
	}
	of, ok := c.EventTime.(func(T) time.Time)
	switch {
	case !ok:
		return nil, fmt.Errorf("its event time is a %T and not a %T", c.EventTime, of)
	case of == nil:
		return nil, errors.New("its event time has no function")
	case !c.Logged:
		return nil, errors.New("its values have times of their own, which only a history keeps, but it is not logged; log it too")
	}
	return of, nil
}

// EventTimed reports whether the values have times of their own, see Config.EventTime.
func (u *Untyped) EventTimed() bool { return u.config.EventTime != nil }

// EventTime returns the own time of a stored value in Unix milliseconds. It returns
// false if the value has none.
func (u *Untyped) EventTime(value []byte) (ms int64, has bool, err error) {
	box, err := u.typed.decode(value)
	if err != nil {
		return 0, false, err
	}
	return u.ownTime(box)
}

// ownTime returns the own time of the value in a box, and false if that is the zero time.
func (u *Untyped) ownTime(box any) (ms int64, has bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading its event time panicked: %v", p)
		}
	}()
	t := u.typed.eventTime(box)
	if t.IsZero() {
		return 0, false, nil
	}
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return 0, false, fmt.Errorf("its event time %s is not in the years 1970 to 9999", t.UTC().Format(time.RFC3339))
	}
	return min(max(t.UnixMilli(), firstEventTime), lastEventTime), true, nil
}

// eventTime implements erased.
func (r *Record[T]) eventTime(box any) time.Time { return r.ownTime(*box.(*T)) }

// setEvent sets the own time of an encoded value. One that has none, or none that can be
// stored, gets the time of the write; the latter is counted.
func (u *Untyped) setEvent(e *Encoded, box any) {
	e.Timed, e.Event = true, e.Time
	ms, has, err := u.ownTime(box)
	if err == nil {
		if has {
			e.Event = ms
		}
		return
	}
	u.mu.Lock()
	u.badTimes++
	first := u.badTimes == 1
	u.mu.Unlock()
	if first {
		u.registry.options.Logger.Warn("a value has no usable time of its own and is stored with the time of its write; further ones of this record are only counted",
			"record", u.key.String(), "number", e.Number, "error", err)
	}
}
