package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"github.com/aimdb-go/aimdb/key"
)

// Stored is a value of a record that was stored in an earlier run.
type Stored struct {
	// ID is the number of the row in the history, for the log.
	ID int64
	// Record is the key of the record; an empty one is not checked.
	Record string
	// Time is the time of the write in Unix milliseconds.
	Time int64
	// Value is the JSON of the value.
	Value json.RawMessage
}

// Refill puts stored values before those that a ring or a single-latest record
// keeps, as many as fit. The value that was stored last comes first in rows; their
// times do not matter, because the clock may have been set back. Refill works once,
// before Run. Refilled values do not count as produced, have the number 0 and are
// not logged again. Stages do not read them unless Config.RefillStages is set. Rows
// that do not decode are skipped and counted.
//
// The rows must be from earlier runs: the record already has the values of this run.
// A mailbox is not refilled, because its value may have been taken.
func (u *Untyped) Refill(rows []Stored) (skipped int, err error) {
	if u.config.Kind == Mailbox {
		return 0, nil
	}
	if u.registry.started() {
		return 0, fmt.Errorf("refill record %q: the registry is running; refill before Run", u.key.String())
	}
	skipped, err = u.fill(rows)
	if err != nil {
		return 0, fmt.Errorf("refill record %q: %w", u.key.String(), err)
	}
	return skipped, nil
}

// fill is Refill at any time.
func (u *Untyped) fill(rows []Stored) (skipped int, err error) {
	boxes, times, skipped, err := u.decodeRows(rows)
	if err != nil {
		return 0, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refilled {
		return 0, errors.New("it was refilled before")
	}
	u.refilled = true
	if len(boxes) == 0 {
		return skipped, nil
	}
	u.dropInitial()
	u.typed.prepend(boxes, times)
	u.readers.wakeAll()
	return skipped, nil
}

func (u *Untyped) decodeRows(rows []Stored) (boxes []any, times []int64, skipped int, err error) {
	for _, row := range rows {
		if row.Record != "" && key.Normalize(row.Record) != key.Normalize(u.key.String()) {
			return nil, nil, 0, fmt.Errorf("a row belongs to record %q", row.Record)
		}
		box, derr := u.typed.decode(row.Value)
		if derr != nil {
			skipped++
			if skipped == 1 {
				u.registry.options.Logger.Warn("a row of history does not decode and is skipped; further ones of this record are only counted",
					"record", u.key.String(), "row", row.ID, "error", derr)
			}
			continue
		}
		boxes, times = append(boxes, box), append(times, row.Time)
	}
	return boxes, times, skipped, nil
}

// begin puts Config.Initial into the record, like a refilled value.
func (r *Record[T]) begin() error {
	u := &r.untyped
	if u.config.Initial == nil {
		return nil
	}
	v, ok := u.config.Initial.(T)
	switch {
	case !ok:
		return fmt.Errorf("its initial value is a %T and not a %s", u.config.Initial, r.typeName())
	case u.config.Kind == Mailbox:
		return errors.New("it is a mailbox and has an initial value, which may have been taken in an earlier run; leave it out")
	}
	r.prepend([]any{&v}, []int64{u.now()})
	return nil
}

// dropInitial removes the initial value, because there are refilled ones.
func (u *Untyped) dropInitial() {
	if u.config.Initial != nil && u.kept() > 0 && u.oldest() <= 0 {
		u.gone = 0
	}
}
