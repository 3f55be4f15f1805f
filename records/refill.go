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

// Refill puts rows of history, the newest one first, before what a ring or a
// single-latest record keeps: as many as fit in. Their times do not count, since
// the clock may have been set back. It is for the time
// before Run and works once. Refilled values do not count as produced, have the
// number 0, are not logged again, and no stage runs on them unless
// Config.RefillStages is set. Rows that do not decode are skipped and counted.
//
// A mailbox is not refilled, since what was in it may have been taken.
func (u *Untyped) Refill(rows []Stored) (skipped int, err error) {
	if u.config.Kind == Mailbox {
		return 0, nil
	}
	if u.registry.started() {
		return 0, fmt.Errorf("refill record %q: the registry already runs; refill before Run", u.key.String())
	}
	boxes, times, skipped, err := u.decodeRows(rows)
	if err != nil {
		return 0, fmt.Errorf("refill record %q: %w", u.key.String(), err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refilled {
		return 0, fmt.Errorf("refill record %q: it was refilled before", u.key.String())
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
		box, derr := u.typed.decode(row.Value, false)
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

// begin keeps the value that a record starts with as if it were refilled.
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
		return errors.New("it is a mailbox and has an initial value; nobody could tell whether that was taken before")
	}
	r.prepend([]any{&v}, []int64{u.now()})
	return nil
}

// dropInitial makes room for what history has instead of the initial value.
func (u *Untyped) dropInitial() {
	if u.config.Initial != nil && u.kept() > 0 && u.oldest() <= 0 {
		u.gone = 0
	}
}
